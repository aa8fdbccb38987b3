/** Reads long answers beside the page: bytes in, columns out, both without a copy. */
import { buffersOf, decodeRange } from '../util/decode.ts';
import type { DecodeRequest, DecodeReply } from './decoder.ts';

self.addEventListener('message', ({ data }: MessageEvent<DecodeRequest>) => {
  const { id, bytes, grid, seriesMax } = data;
  let reply: DecodeReply;
  try {
    reply = { id, range: decodeRange(new TextDecoder().decode(bytes), grid, seriesMax) };
  } catch (error) {
    reply = { id, error: error instanceof Error ? error.message : String(error) };
  }
  const transfer = 'range' in reply ? buffersOf(reply.range) : [];
  self.postMessage(reply, { transfer: transfer as ArrayBuffer[] });
});
