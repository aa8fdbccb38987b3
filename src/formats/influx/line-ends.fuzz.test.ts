// Lines cut out of a body without understanding them are the lines that the scanner sees: read one
// by one they give the same rows and errors, and where they end does not depend on pieces.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { RowRecorder } from '../../../test/support/row-recorder.ts';
import { lineEnd, LineEnds } from './line-ends.ts';
import { scanLineProtocol } from './line-protocol.ts';

const options = { precision: 'ns', defaultTimeUs: 0, mapping: [] } as const;
const encoder = new TextEncoder();

/** What hides a line break, and what only looks like it. */
const MARKS = ['"', '\\', '\\"', '\\\\', '\\ ', '\\=', '=', ',', ' ', '\t', '#', '\0', 'é'];
const PIECES = ['m', ',a=b', ',a="b', 'f=1', 'f="', 's="x"', ' 5', '\n', '\r\n'];
const LINES = ['m f=1 5\n', 'm s="a\nb\\"\n" 5\n'];
const token = fc.constantFrom(...MARKS, ...PIECES, ' ', '\n', ...LINES);
const text = fc.array(token, { maxLength: 24 }).map((tokens) => tokens.join(''));

/** Positions behind each line, by the rule alone. */
function endsOf(body: Uint8Array): number[] {
  const ends = [];
  for (let at = 0; at < body.length;) ends.push((at = lineEnd(body, at, body.length)));
  return ends;
}

function rowsOf(bodies: readonly Uint8Array[]) {
  const recorder = new RowRecorder();
  const reasons: string[] = [];
  for (const body of bodies) {
    const { errors } = scanLineProtocol(body, body.length, options, recorder, recorder);
    reasons.push(...errors.map(({ reason }) => reason));
  }
  return { rows: recorder.text(), reasons };
}

function linesOf(body: Uint8Array): Uint8Array[] {
  const ends = endsOf(body);
  return ends.map((end, i) => body.subarray(ends[i - 1] ?? 0, end));
}

function check(given: string): void {
  const body = encoder.encode(given);
  const lines = linesOf(body);
  assert.deepEqual(rowsOf(lines), rowsOf([body]));
  for (const line of lines) {
    const recorder = new RowRecorder();
    const { rowCount } = scanLineProtocol(line, line.length, options, recorder, recorder);
    assert.ok(rowCount <= 1, JSON.stringify(given));
  }
}

test('lines read one by one are the lines of the body', () => {
  fc.assert(fc.property(text, check), { numRuns: 4000 });
});

test('a quote in a key opens nothing, one behind an escaped space does not either', () => {
  for (const given of [
    'm,a="x f=1 1\nm f=2 2\n',
    'm\\ ,a="x f=1 1\nm f=2 2\n',
    'm\\\\ ,a="x f=1 1\nm f=2 2\n',
    '#"\nm f=2 2\n',
    'm f\\="x=1 1\nm f=2 2\n',
    'm f=1,g=\\\n"x=1 1\nm f=2 2\n',
  ]) {
    check(given);
    assert.equal(linesOf(encoder.encode(given)).length, given.split('\n').length - 1);
    assert.match(rowsOf([encoder.encode(given)]).rows, /f64 2 @0\+2ns$/, given);
  }
});

test('ends are the same wherever a stream is cut', () => {
  fc.assert(
    fc.property(text, fc.array(fc.nat(), { maxLength: 6 }), (given, cuts) => {
      const body = encoder.encode(given);
      const places = [...cuts.map((cut) => cut % (body.length + 1)), body.length];
      const ends = endsOf(body).filter((end) => isComplete(body, end));
      const stream = new LineEnds();
      let from = 0;
      for (const place of places.toSorted((a, b) => a - b)) {
        stream.take(body.subarray(from, place));
        const inside = ends.filter((end) => end > from && end <= place);
        const expected = [inside[0] ?? from, inside.at(-1) ?? from];
        assert.deepEqual([from + stream.first, from + stream.last], expected);
        from = place;
      }
    }),
    { numRuns: 2000 },
  );
});

/** Does a line end there, rather than the body in the middle of one? */
function isComplete(body: Uint8Array, end: number): boolean {
  if (end < body.length) return true;
  const longer = Uint8Array.from([...body, 120]);
  return endsOf(longer).includes(end);
}
