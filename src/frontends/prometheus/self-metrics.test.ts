// Own metrics as ProtoJSON: every type, labels with escapes, a filter by name.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileRegex } from '../../codec/regex.ts';
import { MetricsRegistry } from '../../telemetry/registry.ts';
import { familiesJson } from './self-metrics.ts';

test('counters, gauges and histograms', () => {
  const registry = new MetricsRegistry();
  const help = 'Line one.\nTwo.';
  registry
    .counter({ name: 'c_total', help, labelNames: ['a', 'b'] })
    .labels('x"\n', '{},')
    .add(2);
  registry.gauge({ name: 'g', help }).labels().set(Infinity);
  const histogram = registry.histogram({ name: 'h', help, labelNames: ['r'], bounds: [0.5, 1] });
  for (const value of [0.1, 0.7, 9]) histogram.labels('/').observe(value);
  const label = [
    { name: 'a', value: 'x"\n' },
    { name: 'b', value: '{},' },
  ];
  assert.deepEqual(familiesJson(registry.render(), undefined), [
    { name: 'c_total', help, type: 'COUNTER', metric: [{ label, counter: { value: 2 } }] },
    { name: 'g', help, type: 'GAUGE', metric: [{ gauge: { value: 'Infinity' } }] },
    {
      name: 'h',
      help,
      type: 'HISTOGRAM',
      metric: [
        {
          label: [{ name: 'r', value: '/' }],
          histogram: {
            sampleCount: '3',
            sampleSum: 9.8,
            bucket: [
              { cumulativeCount: '1', upperBound: 0.5 },
              { cumulativeCount: '2', upperBound: 1 },
              { cumulativeCount: '3', upperBound: 'Infinity' },
            ],
          },
        },
      ],
    },
  ]);
  const some = familiesJson(registry.render(), compileRegex('g|h.*')) as { name: string }[];
  assert.deepEqual(
    some.map(({ name }) => name),
    ['g', 'h'],
  );
});
