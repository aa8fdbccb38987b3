// The sum of pages: as one registry that counted everything.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sumPages } from './pages.ts';
import { MetricsRegistry } from './registry.ts';

function counted(registry: MetricsRegistry, from: number, to: number): void {
  const odd = registry.counter({ name: 'b_total', help: 'By\nkind.', labelNames: ['kind'] });
  const times = registry.histogram({
    name: 'a_seconds',
    help: 'Times.',
    bounds: [1, 10],
    labelNames: ['route'],
  });
  const held = registry.gauge({ name: 'c_bytes', help: 'Held.' });
  for (let i = from; i < to; i++) {
    odd.labels(i % 2 === 0 ? 'a "b" c' : 'é').add(i);
    times.labels(`/${i % 3}`).observe(i / 4);
    held.labels().add(i - 5);
  }
}

test('the sum of two pages is the page of one registry that counted both', () => {
  const [all, first, second] = [1, 2, 3].map(() => new MetricsRegistry()) as [
    MetricsRegistry,
    MetricsRegistry,
    MetricsRegistry,
  ];
  counted(all, 0, 50);
  counted(first, 0, 20);
  counted(second, 20, 50);
  assert.equal(sumPages([first.render(), second.render()]), all.render());
  assert.equal(sumPages([all.render()]), all.render());
  assert.equal(sumPages([]), '');
});

test('a family or child that only one page has keeps its place', () => {
  const page = (name: string, labels: string): string =>
    `# HELP ${name} Text.\n# TYPE ${name} counter\n${name}${labels} 1\n`;
  assert.equal(
    sumPages([page('b', '{x="1"}'), page('a', ''), page('b', '{x="2"}'), page('b', '{x="1"}')]),
    `${page('a', '')}${page('b', '{x="1"}').replace(' 1\n', ' 2\n')}b{x="2"} 1\n`,
  );
  assert.equal(
    sumPages([page('a', '').replace(' 1\n', ' +Inf\n'), page('a', '')]),
    page('a', '').replace(' 1\n', ' +Inf\n'),
  );
});
