// The cache of range queries is exact: over random histories of scrapes, late and backfilled
// writes, staleness markers, deletes, retention and flushes, every query has the same bytes of JSON
// with the cache and without it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Histogram } from '../../src/model/histogram.ts';
import { matcher } from '../../src/model/matcher.ts';
import { openPrincipal } from '../../src/model/tenant.ts';
import type { Principal } from '../../src/model/tenant.ts';
import { evaluate } from '../../src/promql/engine/engine.ts';
import { prometheusJson } from '../../src/query/prometheus-json.ts';
import { PromqlQueries } from '../../src/query/promql.ts';
import { QueryService } from '../../src/query/query-service.ts';
import type { ResultWithBodies } from '../../src/query/result-bodies.ts';
import { seededPrng } from '../../src/stdx/prng.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { MetricsRegistry } from '../../src/telemetry/registry.ts';
import { KIND } from '../../src/model/columns.ts';
import { appendOptions } from './contexts.ts';
import { point, writeRows } from './rows.ts';
import type { Row } from './rows.ts';
import { TsdbUnderTest } from './tsdb-under-test.ts';

const SEC = 1_000_000;
const SCRAPE_SEC = 15;
const STALE = 0x7ff0000000000002n;

/** Labels of all series; some of them are alive at a time. */
const SERIES = ['a_total', 'b', 'c'].flatMap((name) =>
  Array.from({ length: 12 }, (_, i) => ({
    __name__: name,
    host: `h${i}`,
    dc: `d${i % 3}`,
  })),
);

const SHAPES = [
  'a_total',
  'sum by (dc) (rate(a_total[2m]))',
  'avg(b)',
  'sum(b * 0.1) / count(b)',
  'max by (dc) (b) - min by (dc) (b)',
  'sum_over_time(b[10m])',
  'avg_over_time(c[90s])',
  'quantile_over_time(0.9, b[5m])',
  'quantile by (dc) (0.5, b)',
  'topk(2, b)',
  'bottomk by (dc) (1, max by (dc, host) (c))',
  'limitk(3, b)',
  'count_values("v", floor(b))',
  'absent(c{dc="d1"})',
  'absent_over_time(c{dc="d2"}[1m])',
  'b > 50',
  'b or c',
  'b unless c',
  'b and on(host) (a_total > 100)',
  'b / on(host) group_left() c',
  'rate(b[1m])',
  'rate(b[1m]) + rate(c[1m])',
  'max_over_time(rate(a_total[1m])[5m:30s])',
  'sum(sum_over_time(b[3m:20s] offset 1m))',
  'b offset 3m',
  'b offset -4m',
  'label_replace(b, "z", "$1", "host", "h(.)")',
  'time() - timestamp(b)',
  'scalar(sum(b)) + vector(1)',
  'deriv(b[2m])',
  'predict_linear(b[2m], 60)',
  'stddev(b)',
  'stddev_over_time(b[2m])',
  'b @ end()',
  'sum(b @ 1767225600)',
  'rate({__name__=~"a_total|b"}[1m])',
  'last_over_time({host="h1"}[2m])',
  'irate(a_total[2m]) * 3',
  'changes(b[5m]) + resets(a_total[5m])',
  'histogram_quantile(0.9, label_replace(b, "le", "$1", "host", "h(.)"))',
  'nh',
  'sum(rate(nh[2m]))',
  'histogram_quantile(0.5, sum(rate(nh[2m])))',
  'count(nh) + sum(b)',
] as const;

/** Native histograms of two series; the second one has none half of the time. */
function histograms(tSec: number): Row[] {
  const none = new Float64Array(0);
  const hosts = tSec % 3600 < 1800 ? ['h0'] : ['h0', 'h1'];
  return hosts.map((host, i) => {
    const counts = Float64Array.of(tSec % 10_000, (tSec % 5000) / (i + 3));
    const value: Histogram = {
      isInteger: false,
      schema: 0,
      zeroThreshold: 0.001,
      zeroCount: 0,
      count: counts[0]! + counts[1]!,
      sum: tSec / 7,
      counterResetHint: 0,
      positiveSpans: [{ offset: 0, length: 2 }],
      positiveBuckets: counts,
      negativeSpans: [],
      negativeBuckets: none,
      customValues: none,
    };
    const series = { __name__: 'nh', host };
    return { series, tUs: tSec * SEC, kind: KIND.histogram, value };
  });
}

const operation = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('scrape' as const),
      count: fc.integer({ min: 1, max: 30 }),
      alive: fc.integer({ min: 0, max: 2 ** 30 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('late' as const),
      // About the settled time, about the border of two stretches of time, and anywhere.
      ageSec: fc.oneof(
        fc.integer({ min: 90, max: 420 }),
        fc.integer({ min: 400, max: 2400 }),
        fc.integer({ min: 0, max: 9000 }),
      ),
      series: fc.uniqueArray(fc.nat(SERIES.length - 1), { minLength: 1, maxLength: 12 }),
      value: fc.oneof(fc.integer({ min: 0, max: 1000 }), fc.constantFrom(-0, 1e17, 0.1, NaN)),
      isStale: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('delete' as const),
      label: fc.constantFrom(
        ['host', 'h1'] as const,
        ['__name__', 'b'] as const,
        ['dc', 'd2'] as const,
      ),
      ageSec: fc.integer({ min: 0, max: 9000 }),
      lengthSec: fc.integer({ min: 0, max: 3000 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('retention' as const),
      sec: fc.option(fc.integer({ min: 300, max: 6000 }), { nil: undefined }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('flush', 'compact') }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

const question = fc.record({
  shape: fc.nat(SHAPES.length - 1),
  stepSec: fc.constantFrom(15, 60),
  lengthSec: fc.constantFrom(900, 3600),
  agoSec: fc.constantFrom(0, 0, 0, 900),
  isForced: fc.boolean(),
});
type Question = typeof question extends fc.Arbitrary<infer T> ? T : never;

class World {
  readonly under: TsdbUnderTest;
  readonly registry = new MetricsRegistry();
  /** Answers whose text was kept. */
  sameCount = 0;
  readonly #queries: PromqlQueries;
  #random: () => number;

  private constructor(under: TsdbUnderTest, seed: number) {
    this.under = under;
    let state = seed;
    this.#random = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
    const { storage, clock, scheduler } = under;
    const { registry } = this;
    const queries = new QueryService({
      storage,
      clock,
      scheduler,
      prng: seededPrng(1),
      registry,
      timeoutMs: 1e9,
      concurrency: 1,
      heavyConcurrency: 1,
      heavySamples: 1e9,
      memoryBytes: 1e9,
      allMemoryBytes: 2 ** 40,
      logger: silentLogger,
      slowMs: undefined,
    });
    this.#queries = new PromqlQueries({
      queries,
      storage,
      evaluate: (context, expr, params) => evaluate(storage, context, expr, params),
      limits: { seriesMax: 1e9, samplesMax: 1e9, pointsMax: 1e9 },
      clock,
      registry,
      cacheBytes: 1e6,
    });
  }

  static async open(shards: number, seed: number): Promise<World> {
    const under = await new TsdbUnderTest({}, shards).open();
    // On a multiple of a minute, so that steps and scrapes meet; two stretches of time meet at 4.
    under.clock.ms = Date.UTC(2026, 0, 1, 3, 40);
    return new World(under, seed);
  }

  get #nowUs(): number {
    return this.under.clock.ms * 1000;
  }

  async apply(one: Operation): Promise<void> {
    const { storage } = this.under;
    switch (one.kind) {
      case 'scrape':
        return this.#scrape(one.count, one.alive);
      case 'late': {
        const tUs = this.#nowUs - one.ageSec * SEC;
        const rows = one.series.map((k) => point(SERIES[k]!, tUs, one.value));
        const stale = rows.map((row): Row => ({ ...row, kind: KIND.f64, value: STALE }));
        await writeRows(storage, one.isStale ? stale : rows);
        return;
      }
      case 'delete': {
        const startUs = this.#nowUs - one.ageSec * SEC;
        const endUs = startUs + one.lengthSec * SEC;
        const matchers = [matcher(one.label[0], '=', one.label[1])];
        await storage.delete({ matchers, startUs, endUs, dryRun: false }, appendOptions());
        return;
      }
      case 'retention': {
        const timeMs = one.sec && one.sec * 1000;
        const limits = timeMs === undefined ? undefined : { timeMs, sizeBytes: undefined };
        return storage.setRetention('default', limits);
      }
      case 'flush':
        return storage.flush();
      default:
        return storage.compact();
    }
  }

  async #scrape(count: number, alive: number): Promise<void> {
    const rows: Row[] = [];
    const { clock } = this.under;
    for (let i = 0; i < count; i++) {
      clock.ms += SCRAPE_SEC * 1000;
      rows.push(...histograms(clock.ms / 1000));
      for (const [k, series] of SERIES.entries()) {
        if (((alive >> (k % 30)) & 1) === 0) continue;
        const value = this.#random() * 100;
        const growing = this.#random() < 0.02 ? value : (clock.ms / 100) % 1e6;
        rows.push(point(series, this.#nowUs, k < 12 ? growing + k : Math.round(value * 10) / 10));
      }
    }
    await writeRows(this.under.storage, rows);
  }

  async ask(one: Question, useCache: boolean): Promise<string> {
    const { stepSec } = one;
    const stepUs = stepSec * SEC;
    const endUs = Math.floor(this.#nowUs / stepUs) * stepUs - one.agoSec * SEC;
    const params = { startUs: endUs - one.lengthSec * SEC, endUs, stepUs, lookbackUs: 300 * SEC };
    const free = openPrincipal('default');
    const forced: Principal = { ...free, forcedMatchers: [matcher('dc', '!=', 'd0')] };
    const request = {
      principal: one.isForced ? forced : free,
      text: SHAPES[one.shape]!,
      timeoutMs: undefined,
      signal: new AbortController().signal,
      params,
      useCache,
    };
    let text = '';
    try {
      await this.#queries.run(request, async (result) => {
        // As an answer that was sent before.
        const { bodies } = result as Partial<ResultWithBodies>;
        const same = bodies?.of('gzip');
        if (same !== undefined) {
          this.sameCount++;
          text = Buffer.from(same).toString('latin1');
          return;
        }
        const pieces = [...prometheusJson(result, { seriesMax: 0 })];
        text = pieces
          .map((piece) =>
            typeof piece === 'string' ? piece : Buffer.from(piece).toString('latin1'),
          )
          .join('');
        bodies?.keep('gzip', Buffer.from(text, 'latin1'));
      });
    } catch (error) {
      text = String(error);
    }
    return text;
  }

  async check(one: Question): Promise<void> {
    const kept = await this.ask(one, true);
    const again = await this.ask(one, true);
    const { clock } = this.under;
    const what = `${SHAPES[one.shape]} ${JSON.stringify(one)} at ${clock.ms}`;
    const without = await this.ask(one, false);
    assert.equal(kept, without, what);
    assert.equal(again, without, `again: ${what}`);
  }
}

function metric(registry: MetricsRegistry, name: string): number {
  const line = registry
    .render()
    .split('\n')
    .find((one) => one.startsWith(name));
  return Number(line?.split(' ').at(-1) ?? 0);
}

for (const shards of [1, 3])
  test(`every answer is the same with the cache and without, ${shards} shards`, async () => {
    let hits = 0;
    let same = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 1e9 }),
        fc.array(question, { minLength: 3, maxLength: 5 }),
        fc.array(operation, { minLength: 8, maxLength: 16 }),
        async (seed, questions, operations) => {
          const world = await World.open(shards, seed);
          await world.apply({ kind: 'scrape', count: 120, alive: 2 ** 30 - 1 });
          for (const one of questions) await world.check(one);
          for (const step of operations) {
            await world.apply(step);
            for (const one of questions) await world.check(one);
          }
          hits += metric(world.registry, 'orrery_query_cache_requests_total{result="hit"}');
          same += world.sameCount;
          await world.under.storage.close();
        },
      ),
      { numRuns: 12 },
    );
    assert.ok(same > 50, `${same} answers were kept as they were sent`);
    assert.ok(hits > 100, `${hits} hits`);
  });
