// Messages cut at every byte, with bytes changed, in JSON and in protobuf: the same rows or an
// error, never a crash, and nothing behind the end is read.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import * as otlp from '../../../test/support/otlp.ts';
import { RowRecorder } from '../../../test/support/row-recorder.ts';
import { messageOfJson, OtlpJsonError } from './json.ts';
import { nameRules } from './names.ts';
import { scanMetrics } from './metrics.ts';

const OPTIONS = {
  names: nameRules('UnderscoreEscapingWithSuffixes', ''),
  scopeLabels: true,
  promoted: new Set(['zone']),
  keepsIdentifying: false,
  customBuckets: false,
};

/** The text of all rows, or undefined where the message is corrupt. */
function rowsOf(message: Uint8Array, canary: number, customBuckets = false) {
  const body = new Uint8Array(message.length + 32).fill(canary);
  body.set(message);
  const recorder = new RowRecorder();
  const to = { dictionary: recorder, sink: recorder };
  const result = scanMetrics(body, message.length, { ...OPTIONS, customBuckets }, to);
  assert.ok(result.pointCount === recorder.rows.length && result.errorCount >= 0);
  return result.corrupt === undefined
    ? recorder.rows.map((row) => JSON.stringify(row, text))
    : undefined;
}

function text(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value;
}

const attributes = fc.dictionary(
  fc.string({ maxLength: 6 }),
  fc.oneof(fc.string({ maxLength: 8 }), fc.integer(), fc.boolean(), fc.constant(0.5)),
  { maxKeys: 4, noNullPrototype: true },
);
const timeNs = fc.bigInt({ min: 1n, max: 2n ** 63n });
const times = { timeNs, startNs: timeNs, attributes };
const exemplar = fc
  .record({ value: fc.double(), timeNs, traceId: fc.constant(Array(16).fill(3)), attributes })
  .map(otlp.exemplar);
const numbers = fc.array(
  fc.record({
    ...times,
    value: fc.oneof(fc.double(), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
    exemplars: fc.array(exemplar, { maxLength: 2 }),
    flags: fc.constantFrom(0, 0, 1),
  }),
  { maxLength: 3 },
);
const counts = fc.array(fc.nat({ max: 9 }), { minLength: 1, maxLength: 5 });
const total = (list: readonly number[]) => list.reduce((all, one) => all + one, 0);
const histograms = fc.array(
  fc.record({ ...times, counts, sum: fc.double() }).map((point) => ({
    ...point,
    count: total(point.counts),
    bounds: point.counts.slice(1).map((_, i) => i - 1),
  })),
  { maxLength: 2 },
);
const exponentials = fc.array(
  fc
    .record({
      ...times,
      counts,
      offset: fc.integer({ min: -99, max: 99 }),
      scale: fc.integer({ min: -4, max: 12 }),
    })
    .map((point) => ({
      ...point,
      sum: 1,
      count: total(point.counts),
      positive: [point.offset, point.counts] as const,
    })),
  { maxLength: 2 },
);
const summaries = fc.array(
  fc.record({
    ...times,
    count: fc.nat(),
    sum: fc.double(),
    quantiles: fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double()), {
      maxLength: 3,
    }),
  }),
  { maxLength: 2 },
);
const named = fc.record({
  name: fc.string({ maxLength: 10 }),
  unit: fc.constantFrom('', 's', '1', 'By/s', '{x}'),
  description: fc.string({ maxLength: 5 }),
});
const metric = fc.oneof(
  fc.tuple(named, numbers).map(([name, points]) => otlp.gauge(name, points)),
  fc
    .tuple(named, numbers, fc.boolean())
    .map(([name, points, isMonotonic]) => otlp.sum(name, points, { isMonotonic })),
  fc.tuple(named, histograms).map(([name, points]) => otlp.histogram(name, points)),
  fc.tuple(named, exponentials).map(([name, points]) => otlp.exponential(name, points)),
  fc.tuple(named, summaries).map(([name, points]) => otlp.summary(name, points)),
);
const message = fc
  .array(
    fc.record({
      metrics: fc.array(metric, { maxLength: 3 }),
      source: fc.record({
        resource: attributes,
        scope: fc.string({ maxLength: 4 }),
        scopeAttributes: attributes,
      }),
    }),
    { maxLength: 3 },
  )
  .map((list) => Buffer.concat(list.map(({ metrics, source }) => otlp.request(metrics, source))));

test('cut at every byte: the rows of what is whole, or corrupt', () => {
  fc.assert(
    fc.property(message, (body) => {
      const whole = rowsOf(body, 0);
      assert.ok(whole !== undefined);
      for (let end = 0; end < body.length; end++) {
        const rows = rowsOf(body.subarray(0, end), 0xff);
        if (rows !== undefined) assert.deepEqual(rows, whole.slice(0, rows.length));
      }
    }),
    { numRuns: 25 },
  );
});

test('changed bytes never crash, and what stands behind the end does not matter', () => {
  const change = fc.tuple(fc.nat(), fc.nat({ max: 255 }));
  fc.assert(
    fc.property(
      message,
      fc.array(change, { maxLength: 4 }),
      fc.boolean(),
      (body, changes, custom) => {
        const changed = Uint8Array.from(body);
        for (const [at, byte] of changes)
          if (changed.length > 0) changed[at % changed.length] = byte;
        assert.deepEqual(rowsOf(changed, 0, custom), rowsOf(changed, 0x3a, custom));
      },
    ),
    { numRuns: 400 },
  );
});

test('any JSON is a message or an error that says why', () => {
  const keys = fc.constantFrom(
    'resourceMetrics',
    'scopeMetrics',
    'metrics',
    'gauge',
    'sum',
    'dataPoints',
    'attributes',
    'key',
    'value',
    'arrayValue',
    'values',
    'timeUnixNano',
    'asInt',
    'bucketCounts',
    'traceId',
    '__proto__',
  );
  const leaf = fc.oneof(
    fc.jsonValue({ maxDepth: 1 }),
    fc.constantFrom('1', '-1', 'NaN', 1e300, ''),
  );
  const tree = fc.letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 9, depthSize: 'max', withCrossShrink: true },
      leaf,
      fc.array(tie('node'), { maxLength: 2 }),
      fc
        .array(fc.tuple(keys, tie('node')), { maxLength: 3 })
        .map((list) => Object.fromEntries(list)),
    ),
  })).node;
  fc.assert(
    fc.property(tree, (value) => {
      let body: Uint8Array;
      try {
        body = messageOfJson(Buffer.from(JSON.stringify(value)));
      } catch (error) {
        assert.ok(error instanceof OtlpJsonError, String(error));
        return;
      }
      assert.ok(rowsOf(body, 0) !== undefined);
    }),
    { numRuns: 500 },
  );
});
