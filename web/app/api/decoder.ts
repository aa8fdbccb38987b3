/** Answers become columns: short ones at once, long ones in a worker, started for the first. */
import { decodeRange, type DecodedRange } from '../util/decode.ts';
import { DECODE_HERE_BYTES_MAX } from '../util/limits.ts';
import type { Grid } from '../util/series.ts';

export interface DecodeRequest {
  readonly id: number;
  readonly bytes: ArrayBuffer;
  readonly grid: Grid;
  readonly seriesMax: number;
}

export type DecodeReply =
  | { readonly id: number; readonly range: DecodedRange }
  | { readonly id: number; readonly error: string };

interface Waiting {
  readonly resolve: (range: DecodedRange) => void;
  readonly reject: (error: Error) => void;
}

let worker: Worker | undefined = undefined;
let lastId = 0;
const waiting = new Map<number, Waiting>();

/** Rejects when the bytes are no JSON. The buffer may be taken away. */
export async function decode(
  bytes: ArrayBuffer,
  grid: Grid,
  seriesMax: number,
): Promise<DecodedRange> {
  if (bytes.byteLength <= DECODE_HERE_BYTES_MAX) {
    return decodeRange(new TextDecoder().decode(bytes), grid, seriesMax);
  }
  worker ??= startWorker();
  const id = (lastId += 1);
  const request: DecodeRequest = { id, bytes, grid, seriesMax };
  const reply = new Promise<DecodedRange>((resolve, reject) => {
    waiting.set(id, { resolve, reject });
  });
  worker.postMessage(request, [bytes]);
  return reply;
}

function startWorker(): Worker {
  const started = new Worker(new URL('./decode-worker.ts', import.meta.url), { type: 'module' });
  started.addEventListener('message', ({ data }: MessageEvent<DecodeReply>) => {
    const waiter = waiting.get(data.id);
    waiting.delete(data.id);
    if ('range' in data) waiter?.resolve(data.range);
    else waiter?.reject(new Error(data.error));
  });
  started.addEventListener('error', () => {
    // Nobody may wait for a worker that did not start; the next answer starts another.
    for (const { reject } of waiting.values()) reject(new Error('The worker failed.'));
    waiting.clear();
    worker = undefined;
  });
  return started;
}
