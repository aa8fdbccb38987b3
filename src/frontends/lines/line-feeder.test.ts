// Pieces → bodies of whole lines: the same lines however the stream is cut, one body at a time,
// and a line that is too long is left out wherever it is cut.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { LINE_BYTES_MAX } from './limits.ts';
import { LineFeeder } from './line-feeder.ts';
import { PLAIN_LINES } from './plain-lines.ts';

interface Fed {
  readonly lines: string;
  readonly bodyCount: number;
  readonly tooLong: number;
  readonly openBytes: number;
}

async function feed(pieces: readonly string[], turnsAWrite = 0): Promise<Fed> {
  let lines = '';
  let bodyCount = 0;
  let tooLong = 0;
  let isBusy = false;
  const feeder = new LineFeeder({
    take: async (body, end) => {
      assert.equal(isBusy, false, 'two bodies at once');
      assert.equal(body[end - 1], 10);
      isBusy = true;
      for (let i = 0; i < turnsAWrite; i++) await Promise.resolve();
      lines += Buffer.from(body.subarray(0, end)).toString('latin1');
      bodyCount++;
      isBusy = false;
    },
    onRefused: (reason) => {
      assert.equal(reason, 'too long');
      tooLong++;
    },
    rules: PLAIN_LINES,
  });
  for (const [i, piece] of pieces.entries()) {
    feeder.push(Buffer.from(piece, 'latin1'));
    if (i % 3 === 2) await feeder.settled();
  }
  await feeder.settled();
  assert.deepEqual([feeder.heldBytes, feeder.isWriting], [0, false]);
  return { lines, bodyCount, tooLong, openBytes: feeder.openBytes };
}

function cutAt(text: string, cuts: readonly number[]): string[] {
  const places = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].toSorted((a, b) => a - b);
  return [0, ...places].map((place, i) => text.slice(place, places[i]));
}

test('the same lines come out however they are cut', async () => {
  const text = fc.array(fc.constantFrom('a 1 5\n', '\n', 'longer line 2 6\r\n', 'half'), {
    maxLength: 12,
  });
  await fc.assert(
    fc.asyncProperty(text, fc.array(fc.nat(), { maxLength: 10 }), fc.nat(5), async (...given) => {
      const [parts, cuts, turns] = given;
      const whole = parts.join('');
      const { lines, openBytes, tooLong } = await feed(cutAt(whole, cuts), turns);
      const end = whole.lastIndexOf('\n') + 1;
      assert.equal(lines, whole.slice(0, end));
      assert.equal(openBytes, whole.length - end);
      assert.equal(tooLong, 0);
    }),
    { numRuns: 300 },
  );
});

test('a line is too long or not wherever it is cut', async () => {
  for (const [length, isTooLong] of [
    [LINE_BYTES_MAX, false],
    [LINE_BYTES_MAX + 1, true],
    [LINE_BYTES_MAX * 3, true],
  ] as const) {
    const line = `${'x'.repeat(length)}\n`;
    const whole = `a\n${line}b\n${line}${line}c\n`;
    for (const step of [1000, LINE_BYTES_MAX - 1, LINE_BYTES_MAX]) {
      const pieces = [];
      for (let at = 0; at < whole.length; at += step) pieces.push(whole.slice(at, at + step));
      const { lines, tooLong } = await feed(pieces);
      assert.equal(tooLong, isTooLong ? 3 : 0);
      assert.equal(lines, isTooLong ? 'a\nb\nc\n' : whole);
    }
  }
});

test('what comes while a body is written is one body', async () => {
  const { bodyCount, lines } = await feed(['a\n', 'b\n', 'c\n'], 50);
  assert.deepEqual([bodyCount, lines], [2, 'a\nb\nc\n']);
});
