// OTLP in JSON: the same rows as from protobuf, the example of the specification, reasons.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as otlp from '../../../test/support/otlp.ts';
import { RowRecorder } from '../../../test/support/row-recorder.ts';
import { sharedPath } from '../../../test/support/shared.ts';
import { hasDeltas } from './deltas.ts';
import { messageOfJson } from './json.ts';
import { scanMetrics } from './metrics.ts';
import { nameRules } from './names.ts';

const examples = sharedPath('corpora/otlp-examples');

function rowsOf(message: Uint8Array) {
  const recorder = new RowRecorder();
  const options = {
    names: nameRules('UnderscoreEscapingWithSuffixes', ''),
    scopeLabels: true,
    promoted: new Set<string>(),
    keepsIdentifying: false,
    customBuckets: false,
  };
  const to = { dictionary: recorder, sink: recorder };
  const result = scanMetrics(message, message.length, options, to);
  assert.equal(result.corrupt, undefined);
  const { rows, exemplars, metadataRows } = recorder;
  return { rows, exemplars, metadataRows, errors: result.errors };
}

function messageOf(value: unknown): Uint8Array {
  return messageOfJson(Buffer.from(JSON.stringify(value)));
}

function metrics(...list: readonly unknown[]) {
  return { resourceMetrics: [{ scopeMetrics: [{ metrics: list }] }] };
}

const timeUnixNano = '1700000000123456789';
const timeNs = BigInt(timeUnixNano);

const JSON_MESSAGE = {
  resourceMetrics: [
    {
      resource: {
        attributes: [
          { key: 'service.name', value: { stringValue: 'shop' } },
          { key: 'pid', value: { intValue: '-12' } },
        ],
      },
      scopeMetrics: [
        {
          scope: { name: 'lib', version: '2' },
          schemaUrl: 'https://x',
          metrics: [
            {
              name: 'c',
              unit: 'By',
              description: 'Bytes.',
              sum: {
                aggregationTemporality: 2,
                isMonotonic: true,
                dataPoints: [
                  {
                    timeUnixNano,
                    startTimeUnixNano: '1600000000000000000',
                    asInt: '9007199254740993',
                    attributes: [{ key: 'on', value: { boolValue: true } }],
                    exemplars: [
                      { timeUnixNano, asDouble: 'Infinity', traceId: 'AB01', spanId: '' },
                    ],
                    unknownField: { x: [1] },
                  },
                ],
              },
            },
            {
              name: 'e',
              exponentialHistogram: {
                aggregationTemporality: 'AGGREGATION_TEMPORALITY_CUMULATIVE',
                dataPoints: [
                  {
                    timeUnixNano,
                    count: 3,
                    sum: 1.5,
                    scale: -2,
                    zeroCount: '1',
                    negative: { offset: -7, bucketCounts: ['2'] },
                  },
                ],
              },
            },
            { name: 'n', gauge: { dataPoints: [{ timeUnixNano, asDouble: 'NaN' }] }, sum: null },
            {
              name: 'h',
              histogram: {
                aggregationTemporality: 2,
                dataPoints: [
                  {
                    timeUnixNano,
                    count: '3',
                    bucketCounts: ['1', 2],
                    explicitBounds: [0.5],
                    flags: 0,
                  },
                ],
              },
            },
            {
              name: 's',
              summary: {
                dataPoints: [
                  {
                    timeUnixNano,
                    count: '1',
                    sum: 2,
                    quantileValues: [{ quantile: 0.9, value: 2 }],
                  },
                ],
              },
            },
          ],
        },
      ],
    },
  ],
};

function sameMessage(): Uint8Array {
  const exemplars = [otlp.exemplar({ timeNs, value: Infinity, traceId: [0xab, 1] })];
  return otlp.request(
    [
      otlp.sum({ name: 'c', unit: 'By', description: 'Bytes.' }, [
        {
          timeNs,
          startNs: 1_600_000_000_000_000_000n,
          value: 9_007_199_254_740_993n,
          attributes: { on: true },
          exemplars,
        },
      ]),
      otlp.exponential({ name: 'e' }, [
        { timeNs, count: 3, sum: 1.5, scale: -2, zeroCount: 1, negative: [-7, [2]] },
      ]),
      otlp.gauge({ name: 'n' }, [{ timeNs, value: Number.NaN }]),
      otlp.histogram({ name: 'h' }, [{ timeNs, count: 3, counts: [1, 2], bounds: [0.5] }]),
      otlp.summary({ name: 's' }, [{ timeNs, count: 1, sum: 2, quantiles: [[0.9, 2]] }]),
    ],
    {
      resource: { 'service.name': 'shop', pid: -12 },
      scope: 'lib',
      version: '2',
      schemaUrl: 'https://x',
    },
  );
}

test('JSON means what protobuf means', () => {
  const found = rowsOf(messageOf(JSON_MESSAGE));
  assert.ok(found.rows.length > 8 && found.errors.length === 0);
  assert.deepEqual(found, rowsOf(sameMessage()));
});

test('the example of the specification', { skip: examples.skip }, () => {
  const message = messageOfJson(readFileSync(`${examples.path}/examples/metrics.json`));
  assert.ok(hasDeltas(message, message.length));
  const { rows } = rowsOf(message);
  assert.deepEqual(
    rows.map(({ series, value }) => `${series} ${String(value)}`),
    [
      '__name__=my_gauge_ratio,job=my.service,my_gauge_attr=some value,' +
        'otel_scope_my_scope_attribute=some scope attribute,otel_scope_name=my.library,' +
        'otel_scope_version=1.0.0 10',
    ],
  );
});

test('what is no message says where', () => {
  const point = (fields: unknown) => metrics({ name: 'g', gauge: { dataPoints: [fields] } });
  const cases: readonly (readonly [unknown, RegExp])[] = [
    [[], /"the body" must be an object/],
    [{ resourceMetrics: {} }, /"resourceMetrics" must be a list/],
    [metrics({ name: 5 }), /"name" must be a string/],
    [metrics({ name: '\ud800' }), /"name" must be a string/],
    [point({ timeUnixNano: '1.5' }), /"timeUnixNano" must be an integer/],
    [point({ timeUnixNano: '-1' }), /"timeUnixNano" must be an integer from 0 to/],
    [point({ asInt: '9223372036854775808' }), /"asInt" must be an integer from/],
    [point({ asDouble: 'x' }), /"asDouble" must be a number/],
    [point({ flags: -1 }), /"flags" must be an integer from 0/],
    [point({ exemplars: [{ traceId: 'xyz' }] }), /"traceId" must be hexadecimal/],
    [point({ attributes: [{ key: 'a', value: { boolValue: 1 } }] }), /"boolValue" must be true/],
    [metrics({ sum: { aggregationTemporality: 'DELTA' } }), /"aggregationTemporality" must be/],
  ];
  for (const [value, reason] of cases) assert.throws(() => messageOf(value), reason);
  assert.throws(() => messageOfJson(Buffer.from('{')), /the body is not JSON/);
  assert.throws(() => messageOfJson(Uint8Array.of(0x22, 0xff, 0x22)), /not valid UTF-8/);
  let deep: unknown = { stringValue: 'x' };
  for (let i = 0; i < 100; i++) deep = { arrayValue: { values: [deep] } };
  assert.throws(
    () => messageOf(point({ attributes: [{ key: 'a', value: deep }] })),
    /nested deeper than 16/,
  );
});
