// Bodies of remote write and remote read: one block of snappy, whatever the header says or not.
import type { SnappyMemory } from '../../codec/snappy.ts';
import { AppError } from '../../model/errors.ts';
import { contentCoding } from '../http/body.ts';
import type { Exchange } from '../http/exchange.ts';

/** Of writes, as in Prometheus: a header that is there must say snappy. */
export function checkSnappyWrite(exchange: Exchange): void {
  const said = exchange.header('content-encoding')?.trim().toLowerCase() ?? '';
  if (said !== '' && said !== 'snappy') throw notSnappy(said);
}

/** Throws AppError unsupported for another coding than snappy. */
export function checkSnappy(exchange: Exchange): void {
  const coding = contentCoding(exchange.request);
  if (coding === 'snappy' || coding === 'identity') return;
  throw notSnappy(coding);
}

function notSnappy(coding: string): AppError {
  const message = `Content-Encoding must be snappy, not "${coding.slice(0, 64)}"`;
  return new AppError('unsupported', 'remote-write-type', message);
}

/** Loaded by the first body; a second import of a loaded module costs 30 µs. */
let snappy: typeof import('../../codec/snappy.ts') | undefined;

export interface SnappyBody {
  /** Decoded. */
  readonly sizeBytes: number;
  /**
   * The body, decoded and held; in `memory` where there is room, and then good until that decodes
   * another one. Throws AppError invalid.
   */
  decoded(memory?: SnappyMemory): Uint8Array;
}

/** The body as it was sent. Rejects with AppError invalid or tooLarge. */
export async function snappyBody(exchange: Exchange): Promise<SnappyBody> {
  const limitBytes = exchange.bodyLimitBytes;
  const raw = await exchange.rawBody();
  const { decodeSnappy, decodeSnappyIn, SnappyError, snappyDecodedLength } = (snappy ??=
    await import('../../codec/snappy.ts'));
  const said = <T>(decode: () => T): T => {
    try {
      return decode();
    } catch (error) {
      if (!(error instanceof SnappyError)) throw error;
      const kind = error.problem === 'too-large' ? 'tooLarge' : 'invalid';
      throw new AppError(kind, 'remote-write-snappy', error.message, { cause: error });
    }
  };
  const sizeBytes = said(() => snappyDecodedLength(raw, limitBytes));
  exchange.hold(sizeBytes);
  const decoded = (memory?: SnappyMemory): Uint8Array =>
    said(
      () =>
        (memory && decodeSnappyIn(memory, raw, limitBytes)) ??
        decodeSnappy(raw, limitBytes, (size) => exchange.borrow(size)),
    );
  return { sizeBytes, decoded };
}
