// A stream of line protocol gives the rows of the same bytes read at once, wherever it is cut, and
// a quote that is never closed hides a bounded part of what follows.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { RowRecorder } from '../../../test/support/row-recorder.ts';
import { scanLineProtocol } from '../../formats/influx/line-protocol.ts';
import { LONG_LINE_BYTES_MAX } from '../lines/limits.ts';
import { LineFeeder } from '../lines/line-feeder.ts';
import { INFLUX_LINES } from './lines.ts';

const options = { precision: 'ns', defaultTimeUs: 0, mapping: [] } as const;

interface Streamed {
  readonly rows: string;
  readonly refusedLines: number;
  readonly refused: readonly (readonly [string, number])[];
}

async function stream(pieces: readonly Uint8Array[]): Promise<Streamed> {
  const recorder = new RowRecorder();
  let refusedLines = 0;
  const refused: [string, number][] = [];
  const feeder = new LineFeeder({
    take: async (body, end) => {
      await Promise.resolve();
      const result = scanLineProtocol(body, end, options, recorder, recorder);
      refusedLines += result.errorCount;
    },
    onRefused: (reason, start) => void refused.push([reason, start.length]),
    rules: INFLUX_LINES,
  });
  for (const piece of pieces) {
    feeder.push(piece);
    if (piece.length % 2 === 0) await feeder.settled();
  }
  feeder.endOpen();
  await feeder.settled();
  assert.deepEqual([feeder.heldBytes, feeder.openBytes], [0, 0]);
  return { rows: recorder.text(), refusedLines, refused };
}

function atOnce(body: Uint8Array): { rows: string; refusedLines: number } {
  const recorder = new RowRecorder();
  const { errorCount } = scanLineProtocol(body, body.length, options, recorder, recorder);
  return { rows: recorder.text(), refusedLines: errorCount };
}

const line = fc.constantFrom(
  'm,a=b f=1.5,i=2i,u=3u,t=true 1700000000000000001\n',
  'm s="one\ntwo, three=4 \\" five\\\\" 5\n',
  'm s="\n",r="\n\n" 6\r\n',
  'm,a="\\ b f=1 7\n',
  'w\\ x\\,y,k\\==v\\ w f\\ g=-1e3 8\n',
  'bad\n',
  'bad f="x"y 9\n',
  'bad f="x\ny"z 9\n',
  '# a "comment\n',
  '\n',
  'grün s="ü😀" 10\n',
);

test('a body cut at every byte gives the same rows', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 6 }), async (lines) => {
      const body = new TextEncoder().encode(lines.join(''));
      const expected = { ...atOnce(body), refused: [] };
      for (let cut = 0; cut <= body.length; cut++)
        assert.deepEqual(await stream([body.subarray(0, cut), body.subarray(cut)]), expected);
      const bytes = [...body].map((byte) => Uint8Array.of(byte));
      assert.deepEqual(await stream(bytes), expected);
    }),
    { numRuns: 30 },
  );
});

function cutInto(body: Uint8Array, step: number): Uint8Array[] {
  const pieces = [];
  for (let at = 0; at < body.length; at += step) pieces.push(body.subarray(at, at + step));
  return pieces;
}

test('a quote that is never closed hides a bounded part of the stream', async () => {
  const lines = Array.from({ length: 150_000 }, (_, i) => `m f=${i} ${i}000\n`);
  const body = Buffer.from(`m f=-1 0\nm s="never closed 1\n${lines.join('')}`);
  const seen = new Set<string>();
  for (const step of [1000, 4096, 65_536]) {
    const { rows, refusedLines, refused } = await stream(cutInto(body, step));
    assert.deepEqual(refused, [['too long', LONG_LINE_BYTES_MAX]]);
    assert.equal(refusedLines, 0);
    seen.add(rows);
  }
  assert.equal(seen.size, 1);
  const values = [...seen][0]!.split('\n').map((row) => Number(row.split(' ')[2]));
  assert.equal(values[0], -1);
  assert.equal(values.at(-1), 149_999);
  // All that came behind the first line break behind the bound.
  const hidden = body.subarray(9, body.indexOf(10, 9 + LONG_LINE_BYTES_MAX) + 1);
  const hiddenLines = hidden.toString('latin1').split('\n').length - 2;
  assert.equal(values.length, 1 + 150_000 - hiddenLines);
});

test('a line as long as a line may be is taken, one byte more is refused', async () => {
  const longest = `m s="${'\n'.repeat(LONG_LINE_BYTES_MAX - 8)}" 1`;
  assert.equal(longest.length, LONG_LINE_BYTES_MAX);
  for (const step of [10_001, 65_536]) {
    const taken = await stream(cutInto(Buffer.from(`${longest}\nm f=1 1\n`), step));
    assert.deepEqual([taken.rows.split('\n').length, taken.refused], [2, []]);
    const text = `${longest}2\nm f=1 1\n`;
    const { rows, refused } = await stream(cutInto(Buffer.from(text), step));
    assert.deepEqual(
      [rows, refused[0]],
      ['__name__=m_f f64 1 @0+1ns', ['too long', LONG_LINE_BYTES_MAX]],
    );
  }
});

test('what the end of a stream cuts off is told and not stored', async () => {
  const { rows, refused } = await stream([Buffer.from('m f=1 1\nm s="a\nm f=2 2\n')]);
  assert.deepEqual([rows, refused], ['__name__=m_f f64 1 @0+1ns', [['unfinished', 15]]]);
});
