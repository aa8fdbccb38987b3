// Request bodies: read with a limit that holds before and after decompression. The declared length
// is checked before a byte is read (and before `100 Continue` is sent), the real length as bytes
// arrive, the decompressed length by the decompressor itself, so that a bomb costs at most the
// limit. Encodings: gzip, deflate, zstd. Snappy is the remote-write protocol's own and decoded
// there.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError } from '../../model/errors.ts';
import { freeAtOnce } from '../../stdx/freed.ts';
import type { BodyGate, Holder } from './body-gate.ts';
import {
  BODY_GROWTH,
  DECOMPRESS_INLINE_BYTES_MAX,
  DEFLATE_RATIO_MAX,
  INFLATED_CHUNK_BYTES_MAX,
  INFLATED_CHUNK_BYTES_MIN,
  INFLATED_RATIO,
} from './limits.ts';

const NOTHING = new Uint8Array(0);

function tooLarge(limitBytes: number, what: string): AppError {
  return new AppError(
    'tooLarge',
    'body-too-large',
    limitBytes === 0
      ? `this path takes no request body, and ${what}`
      : `the request body may have at most ${limitBytes} bytes here, and ${what}`,
  );
}

/** Throws AppError too-large where the headers already say that the body will not fit. */
export function checkDeclaredLength(request: IncomingMessage, limitBytes: number): void {
  const declared = request.headers['content-length'];
  if (declared !== undefined && Number(declared) > limitBytes)
    throw tooLarge(limitBytes, `Content-Length says ${declared}`);
  if (limitBytes === 0 && request.headers['transfer-encoding'] !== undefined)
    throw tooLarge(limitBytes, 'Transfer-Encoding announces one');
}

export interface ReadOptions {
  readonly limitBytes: number;
  readonly take: (sizeBytes: number) => void;
  /**
   * Memory for a body that came in several pieces; the body lives as long as it does. `wishBytes`:
   * as many as may come.
   */
  readonly borrow: (sizeBytes: number, wishBytes: number) => Uint8Array;
}

/**
 * A body on its way. The first piece is kept as it is; when a second one comes all are copied to
 * one memory as they arrive, and their own is given back at once (docs/decisions/0051).
 */
class GatheredBody {
  readonly #borrow: ReadOptions['borrow'];
  readonly #boundBytes: number;
  #first: Uint8Array = NOTHING;
  #memory: Uint8Array = NOTHING;
  sizeBytes = 0;

  /** `boundBytes`: more does not come. */
  constructor(borrow: ReadOptions['borrow'], boundBytes: number) {
    this.#borrow = borrow;
    this.#boundBytes = boundBytes;
  }

  push(chunk: Uint8Array): void {
    const at = this.sizeBytes;
    this.sizeBytes += chunk.length;
    if (at === 0) {
      this.#first = chunk;
      return;
    }
    if (this.sizeBytes > this.#memory.length) this.#grow(at);
    this.#memory.set(chunk, at);
    freeAtOnce(chunk);
  }

  /** Makes room for what has come, of which the first `usedBytes` are here already. */
  #grow(usedBytes: number): void {
    // A client that declares much and sends little holds little, or what was kept anyway.
    const wanted = Math.min(this.#boundBytes, this.sizeBytes * BODY_GROWTH);
    const larger = this.#borrow(Math.max(this.sizeBytes, wanted), this.#boundBytes);
    if (this.#memory.length === 0) {
      larger.set(this.#first);
      freeAtOnce(this.#first);
      this.#first = NOTHING;
    } else larger.set(this.#memory.subarray(0, usedBytes));
    this.#memory = larger;
  }

  bytes(): Uint8Array {
    return this.#memory.length === 0 ? this.#first : this.#memory.subarray(0, this.sizeBytes);
  }
}

/** A client of HTTP/1.0 would take the 100 for the answer. */
export function isContinueWanted({ headers, httpVersion }: IncomingMessage): boolean {
  return headers.expect?.toLowerCase() === '100-continue' && httpVersion !== '1.0';
}

/**
 * The body as sent. The caller gives the taken bytes back to the gate. Rejects with AppError
 * too-large, unavailable, or canceled (the client went away).
 */
export function readRaw(
  request: IncomingMessage,
  response: ServerResponse,
  options: ReadOptions,
): Promise<Uint8Array> {
  const { limitBytes, take, borrow } = options;
  if (isContinueWanted(request)) response.writeContinue();
  return new Promise((resolve, reject) => {
    const declared = request.headers['content-length'];
    const body = new GatheredBody(borrow, declared === undefined ? limitBytes : Number(declared));
    function stop(error: AppError): void {
      request.off('data', onData);
      request.pause();
      reject(error);
    }
    function onData(chunk: Buffer): void {
      if (body.sizeBytes + chunk.length > limitBytes)
        return stop(tooLarge(limitBytes, 'more was sent'));
      try {
        take(chunk.length);
      } catch (error) {
        return stop(error as AppError);
      }
      body.push(chunk);
    }
    request.on('data', onData);
    request.once('end', () => resolve(body.bytes()));
    request.once('error', (cause) => reject(clientGone(cause)));
    // Every request closes; an error with its stack is made only where the body was cut off.
    request.once('close', () => {
      if (!request.readableEnded) reject(clientGone(undefined));
    });
  });
}

export function clientGone(cause: unknown): AppError {
  const message = 'the client closed the connection before the request was complete';
  return new AppError('canceled', 'client-gone', message, { cause });
}

interface CodingOptions {
  readonly maxOutputLength: number;
  /** Of the pieces that come out, which are then put together. */
  readonly chunkSize: number;
}

interface Coding {
  readonly inline: (bytes: Uint8Array, options: CodingOptions) => Uint8Array;
  readonly threaded: (bytes: Uint8Array, options: CodingOptions) => Promise<Uint8Array>;
}

/** HTTP's "deflate" is the zlib format; some clients send bare deflate, which starts otherwise. */
function isZlib(bytes: Uint8Array): boolean {
  return bytes.length >= 2 && (bytes[0]! & 0x0f) === 8 && ((bytes[0]! << 8) | bytes[1]!) % 31 === 0;
}

/** node:zlib is loaded by the first compressed body; a second call finds it loaded. */
function zlib() {
  return process.getBuiltinModule('node:zlib');
}

type Threaded = (
  bytes: Uint8Array,
  options: CodingOptions,
  done: (error: Error | null, result: Uint8Array) => void,
) => void;

/** Runs on the thread pool. */
function threaded(run: Threaded, bytes: Uint8Array, options: CodingOptions) {
  return new Promise<Uint8Array>((resolve, reject) => {
    run(bytes, options, (error, result) => {
      if (error === null) resolve(result);
      else reject(error);
    });
  });
}

const GZIP: Coding = {
  inline: (bytes, options) => zlib().gunzipSync(bytes, options),
  threaded: (bytes, options) => threaded(zlib().gunzip, bytes, options),
};

const DEFLATE: Coding = {
  inline: (bytes, options) =>
    isZlib(bytes) ? zlib().inflateSync(bytes, options) : zlib().inflateRawSync(bytes, options),
  threaded: (bytes, options) =>
    threaded(isZlib(bytes) ? zlib().inflate : zlib().inflateRaw, bytes, options),
};

const ZSTD: Coding = {
  inline: (bytes, options) => zlib().zstdDecompressSync(bytes, options),
  threaded: (bytes, options) => threaded(zlib().zstdDecompress, bytes, options),
};

const CODINGS: ReadonlyMap<string, Coding> = new Map<string, Coding>([
  ['gzip', GZIP],
  ['x-gzip', GZIP],
  ['deflate', DEFLATE],
  ['zstd', ZSTD],
]);

/** Lower-case content coding of a request; 'identity' where none is named. */
export function contentCoding(request: IncomingMessage): string {
  return request.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
}

/** Throws AppError unsupported for a coding that `decodeBody` does not know. */
export function checkCoding(coding: string): void {
  if (coding === 'identity' || coding === '' || CODINGS.has(coding)) return;
  const known = [...CODINGS.keys()].filter((name) => name !== 'x-gzip').join(', ');
  throw new AppError(
    'unsupported',
    'content-encoding',
    `Content-Encoding "${coding.slice(0, 64)}" is not supported here; known are ${known}`,
  );
}

/** Room for all that should come out, so that it comes in few pieces. */
function chunkBytes(raw: Uint8Array, coding: Coding): number {
  const { length } = raw;
  // A gzip file ends with the size of its last member.
  const saidBytes =
    coding === GZIP && length >= 18
      ? new DataView(raw.buffer, raw.byteOffset, length).getUint32(length - 4, true)
      : length * INFLATED_RATIO;
  // One byte is left over, or there would have to be a look whether more comes.
  return Math.min(Math.max(saidBytes + 1, INFLATED_CHUNK_BYTES_MIN), INFLATED_CHUNK_BYTES_MAX);
}

/**
 * Decompresses `raw`; at most `limitBytes` come out. What comes out has memory of its own where it
 * is larger than a few kilobytes.
 */
export async function decodeBody(
  raw: Uint8Array,
  coding: string,
  options: { readonly limitBytes: number; readonly gate: BodyGate; readonly holder: Holder },
): Promise<Uint8Array> {
  const known = CODINGS.get(coding);
  if (known === undefined) return raw;
  const { limitBytes, gate, holder } = options;
  const zlibOptions = { maxOutputLength: limitBytes, chunkSize: chunkBytes(raw, known) };
  try {
    if (raw.length <= DECOMPRESS_INLINE_BYTES_MAX) return known.inline(raw, zlibOptions);
    const worstCaseBytes = Math.min(limitBytes, raw.length * DEFLATE_RATIO_MAX);
    return await gate.whileInflating(holder, worstCaseBytes, () =>
      known.threaded(raw, zlibOptions),
    );
  } catch (error) {
    throw decodingError(error, coding, limitBytes);
  }
}

function decodingError(error: unknown, coding: string, limitBytes: number): AppError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ERR_BUFFER_TOO_LARGE') return tooLarge(limitBytes, `it is more once decompressed`);
  const reason = error instanceof Error ? error.message : 'unknown reason';
  const message = `the body is not valid ${coding}: ${reason}`;
  return new AppError('invalid', 'body-encoding', message, { cause: error });
}
