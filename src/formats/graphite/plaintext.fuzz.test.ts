// Random rows written as Graphite lines come back; random bytes never throw or look behind the end;
// a body cut anywhere gives the whole lines in front of the cut.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { RowRecorder, withCanary } from '../../../test/support/row-recorder.ts';
import { labelsFromPairs } from '../../model/labels.ts';
import { scanPlaintext } from './plaintext.ts';

function scan(text: string | Uint8Array) {
  const { body, end } = withCanary(text);
  const recorder = new RowRecorder();
  const result = scanPlaintext(body, end, { defaultTimeUs: 7 }, recorder, recorder);
  return { recorder, result };
}

const word = (letters: string) =>
  fc.string({ unit: fc.constantFrom(...Array.from(letters)), minLength: 1, maxLength: 8 });
const name = word('abZ7._-/µ😀%[]').filter((text) => !text.includes('@.'));
const tag = word('abZ7._-µ').filter((text) => text !== '__name__');
const tagValue = word('abZ7._-=/µ😀').filter((text) => !text.startsWith('~'));

const line = fc
  .record({
    name,
    tags: fc.uniqueArray(fc.tuple(tag, tagValue), { maxLength: 3, selector: ([key]) => key }),
    value: fc.double({ noNaN: true }),
    seconds: fc.integer({ min: -(2 ** 31), max: 2 ** 33 }).filter((s) => s !== -1),
    micros: fc.integer({ min: 0, max: 999_999 }),
    gap: fc.constantFrom(' ', ' ', '\t', '  '),
    end: fc.constantFrom('\n', '\n', '\r\n', ' \n', '\n\n'),
  })
  .map(({ name: metric, tags, value, seconds, micros, gap, end }) => {
    const fraction = micros === 0 ? '' : `.${String(micros).padStart(6, '0')}`;
    const sign = seconds < 0 ? -1 : 1;
    const tUs = (Math.abs(seconds) * 1_000_000 + micros) * sign;
    const labels = labelsFromPairs(['__name__', metric, ...tags.flat()]);
    const series = labels.map((part, i) => (i % 2 === 0 ? `${part}=` : `${part},`)).join('');
    const path = metric + tags.map(([key, text]) => `;${key}=${text}`).join('');
    const shown = Object.is(value, -0) ? '-0' : String(value);
    return {
      text: `${path}${gap}${shown}${gap}${seconds}${fraction}${end}`,
      row: `${series.slice(0, -1)} f64 ${value} @${tUs}`,
    };
  });

test('any rows written as lines come back', () => {
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
      const { recorder, result } = scan(lines.map((one) => one.text).join(''));
      assert.deepEqual(result.errors, []);
      assert.equal(recorder.text(), lines.map((one) => one.row).join('\n'));
    }),
    { numRuns: 300 },
  );
});

test('a body cut anywhere gives the whole lines in front of the cut', () => {
  const junk = fc.string({
    unit: fc.constantFrom(...Array.from('ab;=. 1\t\r~{}"')),
    maxLength: 12,
  });
  const piece = fc.oneof(
    line.map((one) => one.text),
    junk.map((text) => `${text}\n`),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 4 }), (pieces) => {
      const whole = new TextEncoder().encode(pieces.join(''));
      const rows = scan(whole).recorder.text().split('\n');
      for (let cut = 0; cut <= whole.length; cut++) {
        const end = whole.subarray(0, cut).lastIndexOf(10) + 1;
        const got = scan(whole.subarray(0, end)).recorder.text();
        assert.deepEqual(got === '' ? [] : got.split('\n'), rows.slice(0, countRows(got)));
      }
    }),
    { numRuns: 100 },
  );
});

function countRows(text: string): number {
  return text === '' ? 0 : text.split('\n').length;
}

test('good lines between garbage are kept', () => {
  const garbage = fc.string({
    unit: fc.constantFrom(...Array.from('a;=.~ 1-+enaif\t\r{}"@\0')),
    maxLength: 12,
  });
  fc.assert(
    fc.property(fc.array(garbage, { maxLength: 5 }), (junk) => {
      const { recorder } = scan(junk.map((one) => `${one}\ngood;k=v 1 1000\n`).join(''));
      const good = recorder.rows.filter((row) => row.series === '__name__=good,k=v');
      assert.equal(good.length, junk.length);
    }),
    { numRuns: 300 },
  );
});

test('any bytes are read without a throw and without a look behind the end', () => {
  const unit = fc.constantFrom(...'ab;=.~ \n\r\t"\\0123456789.eE+-nainfF{}@\0'.split(''));
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.string({ unit, maxLength: 60 }).map((text) => new TextEncoder().encode(text)),
  );
  fc.assert(
    fc.property(bytes, (body) => {
      const padded = scan(body);
      const recorder = new RowRecorder();
      const exact = scanPlaintext(body, body.length, { defaultTimeUs: 7 }, recorder, recorder);
      assert.deepEqual(exact, padded.result);
      assert.equal(recorder.text(), padded.recorder.text());
    }),
    { numRuns: 2000 },
  );
});
