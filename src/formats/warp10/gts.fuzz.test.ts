// Bodies cut at every byte and with changed bytes: the same rows or a reason, never a crash, and
// nothing behind the end is read. Rows are what a plain parser of whole lines says.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { RowRecorder } from '../../../test/support/row-recorder.ts';
import { scanGts, scanMeta } from './gts.ts';
import { encodePercent } from './percent.ts';

const OPTIONS = { timeUnit: 'us', nowUs: 0, nowSubNs: 0 } as const;

function scan(bytes: Uint8Array, canary: number) {
  const body = new Uint8Array(bytes.length + 32).fill(canary);
  body.set(bytes);
  const recorder = new RowRecorder();
  const result = scanGts(body, bytes.length, OPTIONS, recorder, recorder);
  assert.equal(result.pointCount, recorder.rows.length);
  assert.equal(result.rowCount, result.pointCount + result.errorCount);
  return { rows: recorder.text().split('\n'), errorCount: result.errorCount };
}

const text = fc.string({ unit: 'grapheme', maxLength: 6 }).filter((one) => one.trim() !== '');
const value = fc.oneof(
  fc
    .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    .map((long) => ({ text: String(long), row: `i64 ${long}` })),
  fc
    .double({ noNaN: true, noDefaultInfinity: true })
    .filter((double) => !Object.is(double, -0))
    .map((double) => {
      const plain = String(double);
      return { text: /[.e]/.test(plain) ? plain : `${plain}.0`, row: `f64 ${double}` };
    }),
  fc.boolean().map((flag) => ({ text: flag ? 'T' : 'F', row: `boolean ${flag}` })),
  fc.string({ unit: 'grapheme', maxLength: 9 }).map((string) => ({
    text: `'${encodePercent(string)}'`,
    row: `string ${JSON.stringify(string)}`,
  })),
);
const line = fc.record({
  time: fc.integer(),
  name: text,
  label: text,
  value,
  isContinued: fc.boolean(),
});

function written(
  list: readonly {
    time: number;
    name: string;
    label: string;
    value: { text: string; row: string };
    isContinued: boolean;
  }[],
) {
  let series = '';
  let body = '';
  const rows: string[] = [];
  for (const { time, name, label, value: one, isContinued } of list) {
    const goesOn = isContinued && series !== '';
    if (!goesOn) series = `__name__=${name},z=${label}`;
    const prefix = goesOn
      ? `=${time}//`
      : `${time}// ${encodePercent(name)}{z=${encodePercent(label)}}`;
    body += `${prefix} ${one.text}\n`;
    rows.push(`${series} ${one.row} @${time}`);
  }
  return { body: new TextEncoder().encode(body), rows };
}

test('what is written is read', () => {
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 8 }), (list) => {
      const { body, rows } = written(list);
      assert.deepEqual(scan(body, 0x37), { rows, errorCount: 0 });
    }),
    { numRuns: 300 },
  );
});

test('cut at every byte: whole lines stay, the last one may be another or bad', () => {
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 4 }), (list) => {
      const { body, rows } = written(list);
      for (let end = 0; end <= body.length; end++) {
        const cut = body.subarray(0, end);
        const whole = cut.filter((byte) => byte === 10).length;
        const found = scan(cut, 0x37);
        assert.deepEqual(found.rows.slice(0, whole), rows.slice(0, whole));
        assert.ok(found.errorCount <= 1);
      }
    }),
    { numRuns: 60 },
  );
});

test('any bytes: no crash, and what stands behind the end does not matter', () => {
  const alphabet = fc.constantFrom(...'=/T:{}#,~%\'"[ .-+01\n\r'.split(''), 'é', '\u0000');
  const noise = fc
    .array(alphabet, { maxLength: 60 })
    .map((list) => new TextEncoder().encode(list.join('')));
  fc.assert(
    fc.property(fc.oneof(noise, fc.uint8Array({ maxLength: 60 })), (body) => {
      assert.deepEqual(scan(body, 0x31), scan(body, 0x7d));
      const recorder = new RowRecorder();
      scanMeta(body, body.length, recorder, recorder);
    }),
    { numRuns: 2000 },
  );
});
