// Cuts what is read into bodies of about the wanted size, each of whole rows. Order is kept.
import { EXIT } from '../exit-codes.ts';
import { CommandError } from './command-error.ts';
import type { RowsEnd } from './import-rows.ts';
import { sizeText } from './progress.ts';

/** What a server takes at once. */
const BODY_BYTES_MAX = 64 * 1024 * 1024;
const LF = 10;

export interface Body {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Line of its first row in the file, from 1. */
  readonly line: number;
}

export function countLines(bytes: Uint8Array): number {
  let count = 0;
  for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) count++;
  return count;
}

export interface CutOptions {
  readonly path: string;
  readonly rowsEnd: RowsEnd;
  readonly bodyBytes: number;
  readonly bodyBytesMax?: number;
}

export async function* cutBodies(
  chunks: AsyncIterable<Uint8Array>,
  { path, rowsEnd, bodyBytes, bodyBytesMax = BODY_BYTES_MAX }: CutOptions,
): AsyncGenerator<Body, void> {
  let buffer = new Uint8Array(bodyBytes * 2);
  let length = 0;
  let line = 1;
  // Rows may be longer than a body should be: then the buffer is looked at each time it has grown
  // by half, not with each chunk.
  let wantedBytes = bodyBytes;
  for await (const chunk of chunks) {
    if (length + chunk.length > buffer.length) {
      const grown = new Uint8Array(Math.max(buffer.length * 2, length + chunk.length));
      grown.set(buffer.subarray(0, length));
      buffer = grown;
    }
    buffer.set(chunk, length);
    length += chunk.length;
    if (length < wantedBytes) continue;
    const end = rowsEnd(buffer, Math.min(length, bodyBytesMax));
    if (end === 0) {
      if (length > bodyBytesMax) throw tooLong(path, line, bodyBytesMax);
      wantedBytes = Math.min(length * 1.5, bodyBytesMax + 1);
      continue;
    }
    const bytes = buffer.slice(0, end);
    yield { bytes, line };
    line += countLines(bytes);
    buffer.copyWithin(0, end, length);
    length -= end;
    wantedBytes = bodyBytes;
  }
  // Behind a long row more may be left than one body takes.
  while (length > bodyBytesMax) {
    const end = rowsEnd(buffer, bodyBytesMax);
    if (end === 0) throw tooLong(path, line, bodyBytesMax);
    const bytes = buffer.slice(0, end);
    yield { bytes, line };
    line += countLines(bytes);
    buffer.copyWithin(0, end, length);
    length -= end;
  }
  if (length > 0) yield { bytes: buffer.slice(0, length), line };
}

function tooLong(path: string, line: number, bytesMax: number): CommandError {
  const limit = sizeText(bytesMax);
  return new CommandError(EXIT.refused, `${path}:${line}: a row longer than ${limit}`);
}
