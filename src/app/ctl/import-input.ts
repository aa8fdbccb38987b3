// Where an import reads from: files and the standard input, unpacked where they begin as gzip or
// Zstandard do, whatever they are called.
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { errorMessage } from '../../stdx/assert.ts';
import { EXIT } from '../exit-codes.ts';
import { CommandError } from './command-error.ts';

/** Name of the standard input. */
export const STDIN = '-';

const GZIP = [0x1f, 0x8b];
const ZSTANDARD = [0x28, 0xb5, 0x2f, 0xfd];
const MAGIC_BYTES_MAX = 4;
const READ_BYTES = 256 * 1024;

function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, i) => bytes[i] === byte);
}

/** The chunks again, the first of them long enough for the magic numbers or the only one. */
async function* withHead(
  chunks: AsyncIterable<Uint8Array>,
  onHead: (head: Uint8Array) => void,
): AsyncGenerator<Uint8Array, void> {
  let head: Uint8Array = new Uint8Array(0);
  let isTold = false;
  for await (const chunk of chunks) {
    if (isTold) {
      yield chunk;
      continue;
    }
    head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
    if (head.length < MAGIC_BYTES_MAX) continue;
    isTold = true;
    onHead(head);
    yield head;
  }
  if (isTold) return;
  onHead(head);
  if (head.length > 0) yield head;
}

async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  onBytes: (sizeBytes: number) => void,
): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of chunks) {
    onBytes(chunk.length);
    yield chunk;
  }
}

function unpacker(head: Uint8Array) {
  if (startsWith(head, GZIP)) return createGunzip({ chunkSize: READ_BYTES });
  return startsWith(head, ZSTANDARD) ? createZstdDecompress({ chunkSize: READ_BYTES }) : undefined;
}

export interface InputOptions {
  readonly path: string;
  readonly stdin: AsyncIterable<Uint8Array>;
  /** Hears of bytes as they are read, packed as they are. */
  readonly onBytes: (sizeBytes: number) => void;
}

/** The content of a file. Throws CommandError where it cannot be read or unpacked. */
export async function* readInput(options: InputOptions): AsyncGenerator<Uint8Array, void> {
  const { path, stdin, onBytes } = options;
  const source: AsyncIterable<Uint8Array> =
    path === STDIN
      ? stdin
      : (createReadStream(path, { highWaterMark: READ_BYTES }) as AsyncIterable<Uint8Array>);
  try {
    let head: Uint8Array = new Uint8Array(0);
    const chunks = withHead(counted(source, onBytes), (bytes) => (head = bytes));
    const first = await chunks.next();
    if (first.done === true) return;
    const unpack = unpacker(head);
    if (unpack === undefined) {
      yield first.value;
      yield* chunks;
      return;
    }
    async function* packed(): AsyncGenerator<Uint8Array, void> {
      yield head;
      yield* chunks;
    }
    // Errors of either side come out of the loop below.
    pipeline(Readable.from(packed(), { objectMode: false }), unpack, () => undefined);
    for await (const chunk of unpack) yield chunk as Uint8Array;
  } catch (error) {
    if (error instanceof CommandError) throw error;
    const what = path === STDIN ? 'the standard input' : `'${path}'`;
    const message = `${what} cannot be read: ${errorMessage(error)}`;
    throw new CommandError(EXIT.failed, message, { cause: error });
  }
}
