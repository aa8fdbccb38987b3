// Bodies of remote write and remote read: one block of snappy, whatever the header says or not.
import { AppError } from '../../model/errors.ts';
import { contentCoding } from '../http/body.ts';
import type { Exchange } from '../http/exchange.ts';

/** Throws AppError unsupported for another coding than snappy. */
export function checkSnappy(exchange: Exchange): void {
  const coding = contentCoding(exchange.request);
  if (coding === 'snappy' || coding === 'identity') return;
  const message = `Content-Encoding must be snappy, not "${coding.slice(0, 64)}"`;
  throw new AppError('unsupported', 'remote-write-type', message);
}

/** The body, decoded and held. Rejects with AppError invalid or tooLarge. */
export async function snappyBody(exchange: Exchange): Promise<Uint8Array> {
  const limitBytes = exchange.bodyLimitBytes;
  const raw = await exchange.rawBody();
  const { decodeSnappy, SnappyError, snappyDecodedLength } = await import('../../codec/snappy.ts');
  try {
    exchange.hold(Math.min(snappyDecodedLength(raw), limitBytes));
    return decodeSnappy(raw, limitBytes, (sizeBytes) => exchange.borrow(sizeBytes));
  } catch (error) {
    if (!(error instanceof SnappyError)) throw error;
    const kind = error.problem === 'too-large' ? 'tooLarge' : 'invalid';
    throw new AppError(kind, 'remote-write-snappy', error.message, { cause: error });
  }
}
