// Answers compressed as the client accepts it: zstd or gzip, on the thread pool, in step with the
// client. Only what compresses is: text and JSON of some size. Source: RFC 9110, "Accept-Encoding".
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Transform } from 'node:stream';
import type { KeptBodies } from './answer.ts';

export type AnswerCoding = 'zstd' | 'gzip';
type Headers = Readonly<Record<string, string>>;

/** In the order of liking where a client likes both equally. */
const CODINGS: readonly AnswerCoding[] = ['zstd', 'gzip'];
/** Fast levels: an answer is read once. */
const GZIP = { level: 1 };
const COMPRESSIBLE = /^(?:text\/|application\/(?:json|x-ndjson|stream\+json)\b)/;

/** Weight of each coding that a client names. */
function weights(accepted: string): ReadonlyMap<string, number> {
  const out = new Map<string, number>();
  for (const clause of accepted.toLowerCase().split(',')) {
    const [name, ...parameters] = clause.split(';').map((part) => part.trim());
    const q = parameters.find((part) => part.startsWith('q='))?.slice(2) ?? '1';
    out.set(name!, Number(q));
  }
  return out;
}

/** The coding that the client likes best, undefined where it accepts none of ours. */
export function acceptedCoding(accepted: string): AnswerCoding | undefined {
  const byName = weights(accepted);
  let best: AnswerCoding | undefined;
  let bestWeight = 0;
  for (const coding of CODINGS) {
    const weight = byName.get(coding) ?? byName.get('*') ?? 0;
    if (weight > bestWeight) {
      best = coding;
      bestWeight = weight;
    }
  }
  return best;
}

/** Could an answer with these headers be compressed at all? Then it varies with the client. */
export function isCompressible(headers: Headers): boolean {
  return (
    headers['Content-Encoding'] === undefined && COMPRESSIBLE.test(headers['Content-Type'] ?? '')
  );
}

/** Coding of an answer, if it is long enough. */
export function answerCoding(request: IncomingMessage, headers: Headers): AnswerCoding | undefined {
  const accepted = request.headers['accept-encoding'];
  if (accepted === undefined || !isCompressible(headers)) return undefined;
  return acceptedCoding(Array.isArray(accepted) ? accepted.join(',') : accepted);
}

function zstdOptions() {
  const { constants } = process.getBuiltinModule('node:zlib');
  return { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
}

/** A small complete answer. */
export function compressed(body: string | Uint8Array, coding: AnswerCoding): Uint8Array {
  const { gzipSync, zstdCompressSync } = process.getBuiltinModule('node:zlib');
  return coding === 'gzip' ? gzipSync(body, GZIP) : zstdCompressSync(body, zstdOptions());
}

/** node:zlib is loaded by the first answer that needs it. */
function encoderOf(coding: AnswerCoding): Transform {
  const { createGzip, createZstdCompress } = process.getBuiltinModule('node:zlib');
  return coding === 'gzip' ? createGzip(GZIP) : createZstdCompress(zstdOptions());
}

export interface CompressedAnswer {
  readonly coding: AnswerCoding;
  readonly pieces: AsyncIterable<string | Uint8Array>;
  readonly signal: AbortSignal;
  /** Is given what was sent, where all of it was. */
  readonly kept?: KeptBodies | undefined;
}

/** What comes out, in one piece, unless it is more than may be kept. */
function gathered(encoder: Transform, sizeBytesMax: number): () => Uint8Array | undefined {
  const pieces: Buffer[] = [];
  let sizeBytes = 0;
  encoder.on('data', (piece: Buffer) => {
    sizeBytes += piece.length;
    if (sizeBytes <= sizeBytesMax) pieces.push(piece);
    else pieces.length = 0;
  });
  return () => (sizeBytes <= sizeBytesMax ? Buffer.concat(pieces, sizeBytes) : undefined);
}

/**
 * Sends pieces compressed, the head before the first byte. Ends with the signal's reason also while
 * it waits for a client that does not read.
 */
export async function sendCompressed(
  response: ServerResponse,
  { coding, pieces, signal, kept }: CompressedAnswer,
): Promise<void> {
  const encoder = encoderOf(coding);
  const whole = kept && gathered(encoder, kept.sizeBytesMax);
  const ended = once(encoder, 'end', { signal });
  // Awaited at the end; until then an abort is told by the loop.
  ended.catch(() => undefined);
  encoder.pipe(response);
  try {
    for await (const piece of pieces) {
      signal.throwIfAborted();
      if (!encoder.write(piece)) await once(encoder, 'drain', { signal });
    }
    encoder.end();
    await ended;
    const body = whole?.();
    if (body !== undefined) kept?.keep(coding, body);
  } catch (error) {
    encoder.destroy();
    // `once` wraps the reason in an error of its own.
    signal.throwIfAborted();
    throw error;
  }
}
