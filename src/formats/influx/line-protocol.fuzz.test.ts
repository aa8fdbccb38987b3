// Random rows written as line protocol come back; random bytes never throw or look behind the end.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { RowRecorder, withCanary } from '../../../test/support/row-recorder.ts';
import { labelsFromPairs } from '../../model/labels.ts';
import { scanLineProtocol } from './line-protocol.ts';

const options = { precision: 'ns', defaultTimeUs: 0, mapping: [] } as const;

function scan(text: string | Uint8Array) {
  const { body, end } = withCanary(text);
  const recorder = new RowRecorder();
  const result = scanLineProtocol(body, end, options, recorder, recorder);
  return { recorder, result };
}

const escapeKey = (text: string): string => text.replace(/[,= ]/g, '\\$&');
const escapeMeasurement = (text: string): string => text.replace(/[, ]/g, '\\$&');
const escapeString = (text: string): string => text.replace(/["\\]/g, '\\$&');

/** Names as the format can carry them: no line break, no backslash, not starting like a comment. */
const name = fc
  .string({
    unit: fc.constantFrom('a', 'Z', '7', ',', '=', ' ', '"', 'ü', '😀', '_', '.'),
    minLength: 1,
    maxLength: 8,
  })
  .filter((text) => !text.startsWith(' '));

interface Field {
  readonly token: string;
  readonly shown: string;
}

const field: fc.Arbitrary<Field> = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => ({
    token: Object.is(value, -0) ? '-0' : String(value),
    shown: `f64 ${value}`,
  })),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => ({
    token: `${value}i`,
    shown: `i64 ${value}`,
  })),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value) => ({
    token: `${value}u`,
    shown: `u64 ${value}`,
  })),
  fc.boolean().map((value) => ({ token: value ? 't' : 'FALSE', shown: `boolean ${value}` })),
  fc.string({ unit: 'grapheme', maxLength: 10 }).map((value) => ({
    token: `"${escapeString(value)}"`,
    shown: `string ${JSON.stringify(value)}`,
  })),
);

interface Line {
  readonly text: string;
  readonly rows: readonly string[];
}

const line: fc.Arbitrary<Line> = fc
  .record({
    measurement: name,
    tags: fc.uniqueArray(fc.tuple(name, name), { maxLength: 3, selector: ([key]) => key }),
    fields: fc.array(fc.tuple(name, field), { minLength: 1, maxLength: 4 }),
    timeNs: fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }),
    end: fc.constantFrom('\n', '\r\n', '  \n', '\n\n# comment\n'),
  })
  .map(({ measurement, tags, fields, timeNs, end }) => {
    const tagText = tags.map(([key, value]) => `,${escapeKey(key)}=${escapeKey(value)}`).join('');
    const fieldText = fields.map(([key, value]) => `${escapeKey(key)}=${value.token}`).join(',');
    const subNs = ((timeNs % 1000n) + 1000n) % 1000n;
    const time = `@${(timeNs - subNs) / 1000n}${subNs === 0n ? '' : `+${subNs}ns`}`;
    const rows = fields.map(([key, value]) => {
      const metric = key === 'value' ? measurement : `${measurement}_${key}`;
      const labels = labelsFromPairs(['__name__', metric, ...tags.flat()]);
      const series = labels.map((part, i) => (i % 2 === 0 ? `${part}=` : `${part},`)).join('');
      return `${series.slice(0, -1)} ${value.shown} ${time}`;
    });
    return {
      text: `${escapeMeasurement(measurement)}${tagText} ${fieldText} ${timeNs}${end}`,
      rows,
    };
  })
  .filter(({ text }) => !text.startsWith('#'));

test('any rows written as line protocol come back', () => {
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
      const { recorder, result } = scan(lines.map((one) => one.text).join(''));
      assert.deepEqual(result.errors, []);
      assert.equal(recorder.text(), lines.flatMap((one) => one.rows).join('\n'));
    }),
    { numRuns: 300 },
  );
});

test('good lines between garbage are kept where the garbage opens no quote', () => {
  const garbage = fc.string({
    unit: fc.constantFrom('a', ',', '=', ' ', '1', '\\', 'i', '-', '.', '#'),
    maxLength: 12,
  });
  fc.assert(
    fc.property(fc.array(garbage, { maxLength: 5 }), (junk) => {
      const text = junk.map((one) => `${one}\ngood,k=v f=1 1000\n`).join('');
      const { recorder } = scan(text);
      const good = recorder.rows.filter((row) => row.series === '__name__=good_f,k=v');
      assert.equal(good.length, junk.length);
    }),
    { numRuns: 300 },
  );
});

test('any bytes are read without a throw and without a look behind the end', () => {
  const unit = fc.constantFrom(...'ab,= \n\r\t"\\0123456789.eE+-itTfFu#\0'.split(''));
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.string({ unit, maxLength: 60 }).map((text) => new TextEncoder().encode(text)),
  );
  fc.assert(
    fc.property(bytes, (body) => {
      const padded = scan(body);
      const recorder = new RowRecorder();
      const exact = scanLineProtocol(body, body.length, options, recorder, recorder);
      assert.deepEqual(exact, padded.result);
      assert.equal(recorder.text(), padded.recorder.text());
    }),
    { numRuns: 2000 },
  );
});
