// The registry's page is Prometheus text: heads, labels, buckets, escapes, bounds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { METRIC_CHILDREN_MAX } from './limits.ts';
import { MetricsRegistry } from './registry.ts';

test('counters, gauges and collected values', () => {
  const registry = new MetricsRegistry();
  const requests = registry.counter({ name: 'b_total', help: 'Requests.', labelNames: ['code'] });
  requests.labels('200').add(2);
  requests.labels('200').add(1);
  requests.labels('5"\\\n').add(0.5);
  registry.gauge({ name: 'c', help: 'A\\b\nc' }).labels().set(Number.NEGATIVE_INFINITY);
  registry.collect({ name: 'a', help: 'Now.', type: 'gauge' }, () => [[[], 1e-7]]);
  registry.collect({ name: 'none', help: 'Empty.', type: 'gauge' }, () => []);
  assert.equal(
    registry.render(),
    '# HELP a Now.\n# TYPE a gauge\na 1e-7\n' +
      '# HELP b_total Requests.\n# TYPE b_total counter\n' +
      'b_total{code="200"} 3\nb_total{code="5\\"\\\\\\n"} 0.5\n' +
      '# HELP c A\\\\b\\nc\n# TYPE c gauge\nc -Inf\n',
  );
});

test('histograms are cumulative', () => {
  const registry = new MetricsRegistry();
  const h = registry.histogram({ name: 'h', help: 'H.', bounds: [0.1, 1], labelNames: ['r'] });
  for (const value of [0.1, 0.5, 7]) h.labels('x').observe(value);
  assert.equal(
    registry.render(),
    '# HELP h H.\n# TYPE h histogram\n' +
      'h_bucket{r="x",le="0.1"} 1\nh_bucket{r="x",le="1"} 2\nh_bucket{r="x",le="+Inf"} 3\n' +
      'h_sum{r="x"} 7.6\nh_count{r="x"} 3\n',
  );
});

test('children are bounded: later label values share one', () => {
  const registry = new MetricsRegistry();
  const family = registry.counter({ name: 'n', help: 'N.', labelNames: ['tenant'] });
  for (let i = 0; i < METRIC_CHILDREN_MAX + 10; i++) family.labels(`t${i}`).add(1);
  const page = registry.render();
  assert.match(page, /n\{tenant="other"\} 10\n/);
  assert.equal(page.split('\n').length - 1, METRIC_CHILDREN_MAX + 1 + 2);
});

test('a name registered twice is a bug', () => {
  const registry = new MetricsRegistry();
  registry.gauge({ name: 'x', help: 'X.' });
  assert.throws(() => registry.gauge({ name: 'x', help: 'X.' }), /registered twice/);
});
