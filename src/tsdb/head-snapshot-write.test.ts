// Chunks of a head snapshot that is larger than one: none changes while it is written.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { oneAhead } from '../stdx/one-ahead.ts';
import { seededPrng } from '../stdx/prng.ts';
import { encodeHead } from './head-snapshot-format.ts';
import { headSnapshotChunks } from './head-snapshot-write.ts';
import { HEAD_SNAPSHOT_CHUNK_BYTES, HEAD_SNAPSHOT_PIECE_BYTES } from './limits.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a chunk stays as it is while the next one is filled', async () => {
  const prng = seededPrng(7);
  // Pieces that end in no chunk's end, and a last chunk that is not full.
  const pieces = Array.from({ length: 230 }, () => prng.bytes(HEAD_SNAPSHOT_PIECE_BYTES - 77));
  const stretch = { shard: 0, frontier: 0, offset: 1, recordCrc: 0 };
  const sections = [{ name: 'pages', pieces: () => pieces }];
  const pause = (): undefined => undefined;
  const chunks = headSnapshotChunks(sections, { stretch, pause, finish: () => undefined });
  const written: Buffer[] = [];
  for await (const chunk of oneAhead(chunks)) {
    // As long as a write takes: what can be made ahead is made.
    for (let i = 0; i < 5; i++) await turn();
    written.push(Buffer.from(chunk));
  }
  const content = Buffer.concat([encodeHead(), ...pieces]);
  assert.ok(content.length > 3 * HEAD_SNAPSHOT_CHUNK_BYTES);
  assert.ok(Buffer.concat(written).subarray(0, content.length).equals(content));
});
