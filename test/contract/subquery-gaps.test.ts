// Subqueries whose windows are far apart: every step has the bits that it has as an instant query,
// and what lies between the windows is not evaluated.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { KIND } from '../../src/model/columns.ts';
import type { LeafPlan, ReadContext, Storage } from '../../src/model/storage.ts';
import { evaluate } from '../../src/promql/engine/engine.ts';
import type { EvalSeries } from '../../src/promql/engine/result.ts';
import { labelsKey } from '../../src/model/labels.ts';
import { parseExpr } from '../../src/promql/parser.ts';
import { withContext } from './contexts.ts';
import { point, writeRows } from './rows.ts';
import type { Row } from './rows.ts';
import { TsdbUnderTest } from './tsdb-under-test.ts';

const SEC = 1_000_000;
const START_SEC = 1_700_000_000;
const LENGTH_SEC = 86_400;
const STALE = 0x7ff0000000000002n;

const INNER = [
  'm_total',
  'rate(m_total[1m])',
  'sum by (dc) (rate(m_total[1m]))',
  'm_total / on (host) group_left other',
  'm_total > 500',
  'topk(2, m_total)',
  'vector(time())',
  'm_total offset 90s',
  'sum(m_total) - sum(other)',
  'absent(other{host="h1"})',
  'max_over_time(rate(m_total[30s])[1m:10s])',
  'nh',
  'rate(nh[1m])',
] as const;
const OUTER = ['max', 'sum', 'count', 'last', 'avg'].map((name) => `${name}_over_time`);

/** Scrapes every 15 s with holes; series come and go, one ends with markers. */
function rows(): Row[] {
  const out: Row[] = [];
  for (let i = 0; i * 15 < LENGTH_SEC; i++) {
    const tUs = (START_SEC + i * 15) * SEC;
    for (let k = 0; k < 5; k++) {
      if ((i >> 8) % 5 === k || i % 97 < 4) continue;
      const labels = { host: `h${k}`, dc: `d${k % 2}` };
      out.push(point({ __name__: 'm_total', ...labels }, tUs, ((i * (k + 3)) % 4001) / 3));
      if (k > 2) continue;
      const isStale = i % 61 === 60;
      const series = { __name__: 'other', host: `h${k}` };
      const value = isStale ? STALE : i % 1000;
      out.push(isStale ? { series, tUs, kind: KIND.f64, value } : point(series, tUs, i % 1000));
    }
    if (i % 4000 < 200) out.push(histogram(tUs, i));
  }
  return out;
}

function histogram(tUs: number, i: number): Row {
  const none = new Float64Array(0);
  const value = {
    isInteger: true,
    schema: 2,
    zeroThreshold: 0.001,
    zeroCount: i,
    count: i * 3,
    sum: i / 7,
    counterResetHint: 0,
    positiveSpans: [{ offset: 1, length: 1 }],
    positiveBuckets: Float64Array.of(i * 2),
    negativeSpans: [],
    negativeBuckets: none,
    customValues: none,
  } as const;
  return { series: { __name__: 'nh' }, tUs, kind: KIND.histogram, value };
}

interface Times {
  readonly startUs: number;
  readonly endUs: number;
  readonly stepUs: number;
}

/** Counts steps of leaves. */
function counting(storage: Storage, plans: LeafPlan[]): Storage {
  const runLeaf = (context: ReadContext, plan: LeafPlan) => {
    plans.push(plan);
    return storage.runLeaf(context, plan);
  };
  return new Proxy(storage, {
    get: (target, key) => {
      if (key === 'runLeaf') return runLeaf;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

async function run(storage: Storage, text: string, times: Times) {
  const expr = parseExpr(text);
  return await withContext(storage, (context) =>
    evaluate(storage, context, expr, { ...times, lookbackUs: 300 * SEC }),
  );
}

/** `labels value` of slot k, by its bits. */
function slots(series: readonly EvalSeries[], k: number): string[] {
  return series
    .filter(({ present }) => present[k] !== 0)
    .map(({ labels, present, values, histograms }) => {
      const bits = new BigUint64Array(Float64Array.of(values[k]!).buffer)[0]!.toString(16);
      return `${labelsKey(labels)} ${present[k] === 1 ? bits : JSON.stringify(histograms![k])}`;
    })
    .toSorted();
}

async function opened(): Promise<TsdbUnderTest> {
  const under = await new TsdbUnderTest({}, 1).open();
  under.clock.ms = (START_SEC + LENGTH_SEC) * 1000;
  const all = rows();
  for (let at = 0; at < all.length; at += 5000)
    await writeRows(under.storage, all.slice(at, at + 5000));
  await under.storage.flush();
  return under;
}

test('every step has the value that it has alone', async () => {
  const under = await opened();
  const { storage } = under;
  const question = fc.record({
    inner: fc.constantFrom(...INNER),
    outer: fc.constantFrom(...OUTER),
    rangeSec: fc.constantFrom(30, 300, 700),
    resolutionSec: fc.constantFrom(5, 15),
    offset: fc.constantFrom('', ' offset 10m', ' offset -1h'),
    stepSec: fc.constantFrom(3600 * 3, 3600 * 7 + 13),
    aside: fc.nat(3600),
    isSummed: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(question, async (q) => {
      const subquery = `${q.outer}((${q.inner})[${q.rangeSec}s:${q.resolutionSec}s]${q.offset})`;
      const text = q.isSummed ? `sum(${subquery})` : subquery;
      const startUs = (START_SEC + q.aside) * SEC;
      const stepUs = q.stepSec * SEC;
      const endUs = startUs + Math.floor(LENGTH_SEC / q.stepSec) * stepUs;
      const range = await run(storage, text, { startUs, endUs, stepUs });
      for (let k = 0; k < range.stepCount; k++) {
        const tUs = startUs + k * stepUs;
        const alone = await run(storage, text, { startUs: tUs, endUs: tUs, stepUs: 0 });
        assert.deepEqual(slots(range.series, k), slots(alone.series, 0), `${text} step ${k}`);
      }
    }),
    { numRuns: 60 },
  );
  await under.storage.close();
});

test('only the windows are evaluated', async () => {
  const under = await opened();
  const plans: LeafPlan[] = [];
  const storage = counting(under.storage, plans);
  const startUs = START_SEC * SEC;
  const times = { startUs, endUs: startUs + LENGTH_SEC * SEC, stepUs: 6 * 3600 * SEC };
  const stepsOf = async (text: string): Promise<number> => {
    plans.length = 0;
    await run(storage, text, times);
    return plans.reduce(
      (sum, plan) => sum + (plan.stepUs === 0 ? 1 : (plan.endUs - plan.startUs) / plan.stepUs + 1),
      0,
    );
  };
  // Five windows of 20 steps.
  assert.equal(await stepsOf('max_over_time(rate(m_total[1m])[5m:15s])'), 100);
  assert.equal(await stepsOf('max_over_time(max_over_time(m_total[1m:15s])[5m:15s])'), 5 * 23);
  // Windows that meet, and what looks at the whole range: all at once.
  const whole = LENGTH_SEC / 15;
  assert.equal(await stepsOf('max_over_time(rate(m_total[1m])[6h:15s])'), whole + 6 * 240);
  assert.equal(await stepsOf('max_over_time(stddev(m_total)[5m:15s])'), whole + 20);
  await under.storage.close();
});
