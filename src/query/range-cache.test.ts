// What the cache of range queries evaluates, keeps and gives up, over an engine that only says
// which steps it was asked for.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openPrincipal } from '../model/tenant.ts';
import { parseExpr } from '../promql/parser.ts';
import { whyWhole } from '../promql/engine/splitting.ts';
import type { EvalParams, EvalResult } from '../promql/engine/result.ts';
import { CACHE_SEGMENT_US, SETTLED_DELAY_US } from './limits.ts';
import { RangeCache } from './range-cache.ts';
import { must } from '../stdx/assert.ts';
import type { ResultBodies, ResultWithBodies } from './result-bodies.ts';
import { evalResult, seriesSlots } from './testing.ts';

const SEC = 1_000_000;
/** A border of two stretches of time, ten minutes ago. */
const BORDER_US = 1000 * CACHE_SEGMENT_US;
const NOW_US = BORDER_US + 600 * SEC;

interface Change {
  readonly name: string;
  readonly tUs: number;
}

function setup({ sizeBytesMax = 1e6 } = {}) {
  const clock = { us: NOW_US };
  // Something is always written, unless a test says otherwise.
  let unique = 1;
  const world = {
    writes: undefined as number | undefined,
    changes: [] as Change[],
    watchedUs: -Infinity,
    horizonUs: -Infinity,
  };
  const none = { timeMs: undefined, sizeBytes: undefined };
  const cache = new RangeCache({
    storage: {
      watchChanges: (belowUs) => void (world.watchedUs = Math.max(world.watchedUs, belowUs)),
      changeVersion: (_, name, { startUs, endUs }) =>
        world.changes.filter(
          (one) =>
            (name === undefined || one.name === name) && one.tUs >= startUs && one.tUs <= endUs,
        ).length,
      writeCount: () => world.writes ?? unique++,
      retention: () => ({ own: undefined, effective: none, horizonUs: world.horizonUs }),
    },
    clock: { nowMs: () => clock.us / 1000, monotonicMs: () => 0 },
    sizeBytesMax,
  });
  /** Steps that were evaluated, as `from+count`, in seconds before now. */
  const asked: string[] = [];
  let changes: Partial<EvalResult> = {};
  async function evaluate(params: EvalParams): Promise<EvalResult> {
    const { startUs, endUs, stepUs } = params;
    const count = (endUs - startUs) / stepUs + 1;
    asked.push(`${(startUs - NOW_US) / SEC}+${count}`);
    const slots = Array.from({ length: count }, (_, k) => (startUs + k * stepUs) / SEC);
    const series = [seriesSlots(['a', 'b'], slots)];
    return evalResult({ ...params, type: 'matrix', stepCount: count, series, ...changes });
  }
  /** A quarter of an hour by 10 s up to now. */
  async function ask(text = 'm', shiftUs = 0): Promise<EvalResult> {
    const endUs = NOW_US + shiftUs;
    const params = { startUs: endUs - 900 * SEC, endUs, stepUs: 10 * SEC, lookbackUs: 60 * SEC };
    const plan = cache.plan(openPrincipal('t'), { text, expr: parseExpr(text) }, params);
    const missing = cache.missing(plan, params).map(({ startUs, endUs: toUs, stepUs }) => {
      return `${(startUs - NOW_US) / SEC}+${(toUs - startUs) / stepUs + 1}`;
    });
    const result = await cache.run(plan, params, evaluate);
    // What was missing is evaluated first; more where that is not enough.
    for (const one of missing) assert.ok(asked.includes(one), `${one} of ${asked.join()}`);
    const [series] = result.series;
    if (series !== undefined && changes.series === undefined)
      assert.deepEqual(
        Array.from(series.values),
        Array.from({ length: 91 }, (_, k) => params.startUs / SEC + k * 10),
      );
    return result;
  }
  const answering = (next: Partial<EvalResult>): void => {
    changes = next;
  };
  const takeAsked = (): string[] => asked.splice(0);
  return { cache, clock, world, ask, answering, takeAsked };
}

test('a second query evaluates what is not settled, a later one what is new', async () => {
  const { ask, takeAsked, clock, world, cache } = setup();
  await ask();
  assert.deepEqual(takeAsked(), ['-900+91']);
  assert.equal(world.watchedUs, NOW_US - SETTLED_DELAY_US);
  await ask();
  assert.deepEqual(takeAsked(), ['-300+31']);
  clock.us += 60 * SEC;
  await ask('m', 60 * SEC);
  assert.deepEqual(takeAsked(), ['-300+37']);
  await ask('m', 0);
  assert.deepEqual(takeAsked(), ['-900+6', '-240+25']);
  const { uses, keptSteps, evaluatedSteps } = cache.counts;
  assert.deepEqual(uses, { hit: 3, miss: 1, unfit: 0 });
  assert.deepEqual([keptSteps, evaluatedSteps], [60 + 54 + 60, 91 + 31 + 37 + 31]);
});

test('bodies are those of the same result, and count as its memory', async () => {
  const { ask, world, cache } = setup();
  const bodiesOf = async (): Promise<ResultBodies> =>
    must(((await ask()) as Partial<ResultWithBodies>).bodies, 'a result that is kept');
  world.writes = 1;
  const first = await bodiesOf();
  const { sizeBytes } = cache.counts;
  first.keep('gzip', new Uint8Array(1000));
  first.keep('gzip', new Uint8Array(2000));
  first.keep('zstd', new Uint8Array(first.sizeBytesMax + 1));
  assert.equal(cache.counts.sizeBytes, sizeBytes + 1000);
  const again = await bodiesOf();
  assert.equal(again.of('gzip')?.length, 1000);
  assert.equal(again.of('zstd'), undefined);
  world.writes = 2;
  const later = await bodiesOf();
  assert.equal(later.of('gzip'), undefined, 'another result');
  assert.equal(cache.counts.sizeBytes, sizeBytes);
  first.keep('br', new Uint8Array(500));
  assert.equal(cache.counts.sizeBytes, sizeBytes, 'of what is not kept any more');
});

test('where nothing was written since, nothing is evaluated', async () => {
  const { ask, takeAsked, world, cache } = setup();
  world.writes = 1;
  const first = await ask();
  takeAsked();
  const again = await ask();
  assert.deepEqual(takeAsked(), []);
  assert.equal(again.series, first.series);
  assert.equal(again.stats.samplesRead, 0);
  await ask('m', 10 * SEC);
  assert.deepEqual(takeAsked(), ['-300+32']);
  world.horizonUs = NOW_US - 860 * SEC;
  await ask('m', 10 * SEC);
  assert.deepEqual(takeAsked(), ['-890+9', '-300+32']);
  world.horizonUs = -Infinity;
  world.writes = 2;
  await ask('m', 10 * SEC);
  assert.equal(takeAsked().length > 0, true);
  assert.equal(cache.counts.uses.hit, 4);
});

test('another text, step phase, tenant or lookback is another result', async () => {
  const { ask, takeAsked } = setup();
  await ask();
  await ask('m ');
  await ask('m', 5 * SEC);
  assert.deepEqual(
    takeAsked().map((one) => one.split('+')[1]),
    ['91', '91', '91'],
  );
});

test('a change takes away the stretches of time that look at it', async () => {
  const { ask, takeAsked, world } = setup();
  await ask('m');
  takeAsked();
  world.changes.push({ name: 'other', tUs: BORDER_US - SEC });
  await ask('m');
  assert.deepEqual(takeAsked(), ['-300+31']);
  // Before the border, and further from it than the lookback.
  world.changes.push({ name: 'm', tUs: BORDER_US - 61 * SEC });
  await ask('m');
  assert.deepEqual(takeAsked(), ['-900+30', '-300+31']);
  world.changes.push({ name: 'm', tUs: BORDER_US - 59 * SEC });
  await ask('m');
  assert.deepEqual(takeAsked(), ['-900+91']);
  world.changes.push({ name: 'm', tUs: NOW_US });
  await ask('m');
  assert.deepEqual(takeAsked(), ['-600+61']);
});

test('a selector of any name is touched by every change', async () => {
  const { ask, takeAsked, world } = setup();
  await ask('{job="x"}');
  world.changes.push({ name: 'other', tUs: NOW_US - SEC });
  takeAsked();
  await ask('{job="x"}');
  assert.deepEqual(takeAsked(), ['-600+61']);
});

test('what looks ahead is settled later, what retention hides is not kept', async () => {
  const { ask, takeAsked, world } = setup();
  await ask('m offset -100s');
  takeAsked();
  await ask('m offset -100s');
  assert.deepEqual(takeAsked(), ['-400+41']);
  await ask('m');
  takeAsked();
  world.horizonUs = NOW_US - 860 * SEC;
  await ask('m');
  assert.deepEqual(takeAsked(), ['-900+10', '-300+31']);
});

test('a result that depends on its range is evaluated as a whole, and not kept', async () => {
  const { ask, takeAsked, answering } = setup();
  answering({ dependsOnRange: true });
  await ask();
  await ask();
  assert.deepEqual(takeAsked(), ['-900+91', '-900+91']);
  answering({});
  await ask();
  takeAsked();
  answering({ dependsOnRange: true });
  await ask();
  assert.deepEqual(takeAsked(), ['-300+31', '-900+91']);
});

test('annotations of kept steps must come again, or all is evaluated', async () => {
  const { ask, takeAsked, answering } = setup();
  const note = (message: string) => ({ level: 'info', message, position: undefined }) as const;
  answering({ annotations: [note('x')] });
  await ask();
  takeAsked();
  answering({ annotations: [note('x'), note('a')] });
  const { annotations } = await ask();
  assert.deepEqual(takeAsked(), ['-300+31']);
  assert.deepEqual(
    annotations.map(({ message }) => message),
    ['a', 'x'],
  );
  answering({ annotations: [note('x')] });
  await ask();
  assert.deepEqual(takeAsked(), ['-300+31', '-900+91']);
});

test('series without a value in the steps at hand are not in the answer', async () => {
  const { ask, answering, clock } = setup();
  const slots = (count: number, at: number) =>
    Array.from({ length: count }, (_, k) => (k === at ? 1 : undefined));
  answering({ series: [seriesSlots(['a', 'b'], slots(91, 3))] });
  await ask();
  answering({ series: [] });
  assert.equal((await ask()).series.length, 1);
  clock.us += 40 * SEC;
  assert.equal((await ask('m', 40 * SEC)).series.length, 0);
});

test('memory is bounded: the result used least recently goes', async () => {
  const { ask, takeAsked, cache } = setup({ sizeBytesMax: 6200 });
  for (const text of ['a', 'b', 'c', 'd']) await ask(text);
  const { sizeBytes, entryCount } = cache.counts;
  assert.ok(sizeBytes <= 6200 && entryCount === 4, `${sizeBytes} in ${entryCount}`);
  await ask('a');
  await ask('e');
  takeAsked();
  await ask('a');
  assert.deepEqual(takeAsked(), ['-300+31']);
  await ask('b');
  assert.deepEqual(takeAsked(), ['-900+91']);
  const { ask: askSmall, cache: small } = setup({ sizeBytesMax: 4200 });
  await askSmall('a');
  assert.equal(small.counts.entryCount, 0);
});

for (const [text, isWhole] of [
  ['sum by (a) (rate(m[5m]))', false],
  ['topk(3, m) + on() group_left() absent(n)', false],
  ['max_over_time(rate(m[1m])[5m:10s] offset 1h)', false],
  ['quantile_over_time(0.9, m[5m])', false],
  ['last_over_time({a="b"}[5m])', false],
  ['time() - m', false],
  ['m @ 5', true],
  ['m @ end()', true],
  ['sum_over_time(m[5m:1m] @ start())', true],
  ['rate(m[step()])', true],
  ['m offset (1m + step())', true],
  ['m * end()', true],
  ['topk(scalar(n), m)', true],
  ['stddev(m)', true],
  ['stdvar_over_time(m[5m])', true],
  ['rate({a="b"}[5m])', true],
  ['max_over_time((m or n)[5m:])', true],
  ['sort(m)', true],
  ['info(m)', true],
  ['label_replace(m, "__name__", "x", "", "")', true],
  ['rate(m[5m] smoothed)', true],
] as const)
  test(`${text} is ${isWhole ? 'evaluated as a whole' : 'kept in parts'}`, async () => {
    assert.equal(whyWhole(parseExpr(text)) !== undefined, isWhole);
  });

test('without a selector there is nothing to keep', async () => {
  const { ask, cache } = setup();
  await ask('vector(time())');
  assert.deepEqual(cache.counts.uses, { hit: 0, miss: 0, unfit: 1 });
});
