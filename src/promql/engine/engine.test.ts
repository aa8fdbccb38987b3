// The engine over a small storage of its own: what is pushed down, what is refused, what the
// limits, the signal and the annotations do. The language's meaning is
// test/conformance/promqltest.test.ts.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KIND } from '../../model/columns.ts';
import type { Samples } from '../../model/columns.ts';
import { AppError } from '../../model/errors.ts';
import { compareLabels, labelsFromObject } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import { matchesAll } from '../../model/matcher.ts';
import type {
  LeafPlan,
  ReadContext,
  SelectedSeries,
  SelectRequest,
  StorageReader,
} from '../../model/storage.ts';
import { openPrincipal } from '../../model/tenant.ts';
import { runLeafInThread } from '../../windows/leaf.ts';
import { parseExpr } from '../parser.ts';
import { evaluate } from './engine.ts';
import { SLOT_FLOAT } from './result.ts';
import type { EvalParams, EvalResult } from './result.ts';
import { labelsText } from './text.ts';
import { Trace } from './trace.ts';
import type { TraceNode } from './trace.ts';

type Data = Readonly<Record<string, readonly number[]>>;

/** Samples every 10 s from 0; keys are `name` or `name,label,value,…`. */
class TinyStorage {
  readonly plans: LeafPlan[] = [];
  readonly #series: { labels: Labels; values: readonly number[] }[];

  constructor(data: Data) {
    this.#series = Object.entries(data)
      .map(([key, values]) => {
        const [name, ...pairs] = key.split(',');
        const labels: Record<string, string> = { __name__: name! };
        for (let i = 0; i + 1 < pairs.length; i += 2) labels[pairs[i]!] = pairs[i + 1]!;
        return { labels: labelsFromObject(labels), values };
      })
      .toSorted((a, b) => compareLabels(a.labels, b.labels));
  }

  async *select(_: ReadContext, request: SelectRequest): AsyncGenerator<SelectedSeries> {
    for (const { labels, values } of this.#series) {
      if (!matchesAll(request.matchers, labels)) continue;
      const at = Array.from(values.keys(), (i) => i * 10e6);
      const kept = at.filter((tUs) => tUs >= request.startUs && tUs <= request.endUs);
      if (kept.length === 0) continue;
      const chunk: Samples = {
        kind: KIND.f64,
        count: kept.length,
        tUs: Float64Array.from(kept),
        values: Float64Array.from(kept, (tUs) => values[tUs / 10e6]!),
        subNs: undefined,
        startUs: undefined,
        position: undefined,
      };
      yield await Promise.resolve({ labels, chunks: [chunk] });
    }
  }

  runLeaf(context: ReadContext, plan: LeafPlan): ReturnType<StorageReader['runLeaf']> {
    this.plans.push(plan);
    return runLeafInThread(this, context, plan);
  }
}

function contextOf(signal: AbortSignal, bytesMax = Infinity): ReadContext {
  let held = 0;
  return {
    principal: openPrincipal('default'),
    pin: { release: () => undefined },
    signal,
    budget: {
      take: (sizeBytes) => {
        held += sizeBytes;
        if (held > bytesMax) throw new AppError('limited', 'query-memory', 'too much');
      },
      give: (sizeBytes) => {
        held -= sizeBytes;
      },
    },
  };
}

const INSTANT: EvalParams = { startUs: 60e6, endUs: 60e6, stepUs: 0, lookbackUs: 300e6 };
const RANGE: EvalParams = { startUs: 30e6, endUs: 60e6, stepUs: 10e6, lookbackUs: 300e6 };

function ask(
  storage: TinyStorage,
  query: string,
  params: EvalParams = INSTANT,
  context: ReadContext = contextOf(new AbortController().signal),
): Promise<EvalResult> {
  const reader = storage as unknown as StorageReader;
  return evaluate(reader, context, parseExpr(query), { ...params, query });
}

function text(result: EvalResult): string[] {
  return result.series.map(({ labels, present, values }) => {
    const slots = Array.from(values, (value, k) => (present[k] === SLOT_FLOAT ? value : '_'));
    return `${labelsText(labels)} ${slots.join(' ')}`;
  });
}

const COUNTERS: Data = {
  'c_total,job,a,instance,1': [0, 10, 20, 30, 40, 50, 60],
  'c_total,job,a,instance,2': [0, 20, 40, 60, 80, 100, 120],
  'c_total,job,b,instance,3': [5, 5, 5, 5, 5, 5, 5],
};

describe('leaves', () => {
  test('an aggregation over a range function is one grouped leaf', async () => {
    const storage = new TinyStorage(COUNTERS);
    const result = await ask(storage, 'sum by (job) (rate(c_total[30s]))', RANGE);
    assert.deepEqual(text(result), ['{job="a"} 3 3 3 3', '{job="b"} 0 0 0 0']);
    assert.equal(storage.plans.length, 1);
    const plan = storage.plans[0]!;
    assert.equal(plan.kernel, 'rate');
    assert.deepEqual(plan.grouping, { aggregation: 'sum', mode: 'by', labels: ['job'] });
    assert.deepEqual(result.stats, { seriesRead: 3, samplesRead: 21, samplesPeak: 21 });
  });

  test('a name that the function drops is not grouped by', async () => {
    const storage = new TinyStorage(COUNTERS);
    const result = await ask(storage, 'count by (__name__) (rate(c_total[1m]))');
    assert.deepEqual(text(result), ['{} 3']);
  });

  test('several names are not pushed down, because they may become equal', async () => {
    const storage = new TinyStorage({ 'a_total,x,1': [1, 2, 3], 'b_total,x,1': [1, 2, 3] });
    await assert.rejects(ask(storage, 'sum(rate({__name__=~"a_total|b_total"}[1m]))'), {
      code: 'promql-execution',
      message: 'vector cannot contain metrics with the same labelset',
    });
    await assert.rejects(
      ask(storage, 'max by (__name__) (max_over_time({__name__=~"(a|b)_total"}[1m]))'),
      { code: 'promql-execution' },
    );
  });

  test('a part that does not depend on the step is read once', async () => {
    const storage = new TinyStorage(COUNTERS);
    const result = await ask(storage, 'sum(c_total) - sum(c_total @ 0)', RANGE);
    assert.deepEqual(text(result), ['{} 90 120 150 180']);
    assert.deepEqual(
      storage.plans.map(({ stepUs }) => stepUs),
      [10e6, 0],
    );
  });

  test('offset and subquery', async () => {
    const storage = new TinyStorage(COUNTERS);
    const one = 'c_total{instance="1"}';
    assert.deepEqual(text(await ask(storage, `${one} offset 20s`)), [
      '{__name__="c_total", instance="1", job="a"} 40',
    ]);
    assert.deepEqual(text(await ask(storage, `max_over_time(${one}[40s:20s])`, RANGE)), [
      '{instance="1", job="a"} 20 40 40 60',
    ]);
  });

  test('a prediction is told from the step of the query, whatever the offset', async () => {
    const storage = new TinyStorage({ m: [1, 2, 3, Number.NEGATIVE_INFINITY], n: [1, 2, 3, 4] });
    const at = { ...INSTANT, startUs: 20e6, endUs: 20e6 };
    // The reference's x of the infinity is 10 s, not 0, which would make it no number.
    assert.deepEqual(text(await ask(storage, 'predict_linear(m[40s] offset -10s, 60)', at)), [
      '{} -Infinity',
    ]);
    assert.deepEqual(text(await ask(storage, 'predict_linear(n[40s] offset -10s, 60)', at)), [
      '{} 9',
    ]);
    const steps = { ...RANGE, startUs: 20e6, endUs: 30e6 };
    const fixed = ['predict_linear(n[40s] @ 30, 60)', 'sum(predict_linear(n[40s] @ 30, 60))'];
    for (const query of fixed)
      assert.deepEqual(text(await ask(storage, query, steps)), ['{} 9 10'], query);
  });
});

describe('results', () => {
  test('a range vector answers samples with their own times', async () => {
    const storage = new TinyStorage({ m: [1, 2, 3, 4, 5, 6, 7] });
    const result = await ask(storage, 'm[25s]');
    assert.equal(result.type, 'matrix');
    assert.deepEqual(Array.from(result.series[0]!.tUs!), [40e6, 50e6, 60e6]);
    assert.deepEqual(Array.from(result.series[0]!.values), [5, 6, 7]);
  });

  test('scalars, strings and order', async () => {
    const storage = new TinyStorage({ 'm,x,a': [2], 'm,x,b': [3], 'm,x,c': [1] });
    assert.equal((await ask(storage, '1 + 2')).series[0]!.values[0], 3);
    assert.equal((await ask(storage, '"text"')).string, 'text');
    const sorted = await ask(storage, 'sort_desc(m)', { ...INSTANT, startUs: 0, endUs: 0 });
    assert.deepEqual(
      text(sorted).map((line) => line.at(-1)),
      ['3', '2', '1'],
    );
  });

  test('of equal values topk replaces the one that Go’s heap has at its root', async () => {
    const storage = new TinyStorage({ 'm,x,a': [5], 'm,x,b': [5], 'm,x,c': [7] });
    const result = await ask(storage, 'topk(2, m)', { ...INSTANT, startUs: 0, endUs: 0 });
    assert.deepEqual(text(result), ['{__name__="m", x="c"} 7', '{__name__="m", x="b"} 5']);
  });

  test('an infinite bound wins over NaN, sinh and cosh overflow with e^x', async () => {
    const storage = new TinyStorage({ m: [NaN], n: [710] });
    const at = { ...INSTANT, startUs: 0, endUs: 0 };
    assert.deepEqual(text(await ask(storage, 'clamp_min(m, Inf)', at)), ['{} Infinity']);
    assert.deepEqual(text(await ask(storage, 'clamp_max(m, -Inf)', at)), ['{} -Infinity']);
    assert.deepEqual(text(await ask(storage, 'clamp(m, 0, 1)', at)), ['{} NaN']);
    assert.deepEqual(text(await ask(storage, 'sinh(-n)', at)), ['{} -Infinity']);
    assert.deepEqual(text(await ask(storage, 'cosh(n)', at)), ['{} Infinity']);
  });

  test('annotations point at the query', async () => {
    const storage = new TinyStorage({ gauge: [1, 2, 3, 4, 5, 6, 7] });
    const { annotations } = await ask(storage, '1 +\n  rate(gauge[1m])');
    assert.deepEqual(annotations, [
      {
        level: 'info',
        message:
          'PromQL info: metric might not be a counter, ' +
          'name does not end in _total/_sum/_count/_bucket: "gauge" (2:8)',
        position: { line: 2, column: 8 },
      },
    ]);
  });
});

describe('parts that are written twice', () => {
  for (const [query, planCount] of [
    ['rate(c_total[1m]) / rate(c_total[1m])', 1],
    ['c_total + c_total + c_total', 1],
    ['(c_total - c_total offset 10s) / (c_total - c_total offset 10s)', 2],
    ['sum(c_total) / sum(c_total)', 1],
    ['sum(rate(c_total[1m])) / count(rate(c_total[1m]))', 2],
    ['max_over_time(c_total[30s:10s]) - min_over_time(c_total[30s:10s])', 1],
    ['max_over_time(c_total[30s:10s]) - min_over_time(c_total[40s:10s])', 2],
    ['(c_total offset (10s + 10s)) - (c_total offset (15s + 5s))', 2],
    ['abs(c_total) + abs(-c_total) + (-c_total)', 1],
    ['topk(1, c_total) or topk(2, c_total)', 1],
  ] as const)
    test(`${query}: ${planCount} leaves`, async () => {
      const storage = new TinyStorage(COUNTERS);
      const shared = text(await ask(storage, query, RANGE));
      assert.equal(storage.plans.length, planCount);
      // A matcher that changes nothing makes every part different.
      let uses = 0;
      const apart = query.replaceAll('c_total', () => `c_total{u!="${uses++}"}`);
      const other = new TinyStorage(COUNTERS);
      assert.deepEqual(shared, text(await ask(other, apart, RANGE)));
      assert.ok(other.plans.length > planCount || planCount === 2);
      assert.ok(shared.length > 0);
    });

  test('numbers without a word in JSON are told apart', async () => {
    const storage = new TinyStorage(COUNTERS);
    const one = 'c_total{instance="3"}';
    const query = `(${one} > -Inf) + (${one} * (NaN + 1)) + (${one} * (Inf + 1))`;
    assert.deepEqual(text(await ask(storage, query)), ['{instance="3", job="b"} NaN']);
    const zeros = `1 / (0 * ${one}) - 1 / (-0 * ${one})`;
    assert.deepEqual(text(await ask(storage, zeros)), ['{instance="3", job="b"} Infinity']);
  });

  test('each place has its annotation', async () => {
    const storage = new TinyStorage({ gauge: [1, 2, 3, 4, 5, 6, 7] });
    const { annotations } = await ask(storage, 'rate(gauge[1m]) + rate(gauge[1m])');
    assert.deepEqual(
      annotations.map(({ position }) => position?.column),
      [24],
    );
  });

  test('copies count against the budget', async () => {
    const storage = new TinyStorage(COUNTERS);
    const context = contextOf(new AbortController().signal, 300);
    await ask(storage, 'c_total + 1', RANGE, context);
    const again = contextOf(new AbortController().signal, 300);
    await assert.rejects(ask(storage, 'c_total + c_total + c_total', RANGE, again), {
      code: 'query-memory',
    });
  });
});

describe('results that depend on the range', () => {
  const dependsOnRange = async (query: string, data: Data): Promise<boolean> =>
    (await ask(new TinyStorage(data), query, RANGE)).dependsOnRange;

  test('sums that are sure of their last bit do not', async () => {
    const thirds = [1, 2, 3, 4, 5, 6, 7].map((value) => value / 3);
    const data = { 'm,x,a': thirds, 'm,x,b': thirds.map((value) => value * 7), ...COUNTERS };
    for (const query of ['sum(m)', 'avg(m)', 'sum by (job) (rate(c_total[30s]))', 'sum(m * 2)'])
      assert.equal(await dependsOnRange(query, data), false, query);
  });

  test('sums that are not, or that overflow, do', async () => {
    const of = (...values: number[]): Data =>
      Object.fromEntries(
        values.map((value, i) => [`m,x,${i}`, Array.from({ length: 7 }, () => value)]),
      );
    assert.equal(await dependsOnRange('sum(m)', of(2 ** 53, 1, 2 ** -50)), true);
    assert.equal(await dependsOnRange('sum(m + 0)', of(2 ** 53, 1, 2 ** -50)), true);
    assert.equal(await dependsOnRange('sum(m)', of(1e308, 1e308, -1e308)), true);
    assert.equal(await dependsOnRange('sum(m)', of(2 ** 53, 1)), false);
    assert.equal(await dependsOnRange('sum(m)', of(1, Number.NaN)), false);
  });

  test('series with a type or unit beside their name do', async () => {
    const values = [1, 2, 3, 4, 5, 6, 7];
    const data = { 'm,__type__,gauge': values };
    assert.equal(await dependsOnRange('delta(m[30s])', data), true);
    assert.equal(await dependsOnRange('m', data), false);
  });
});

describe('explain', () => {
  test('every node tells its steps, time, series and samples', async () => {
    const storage = new TinyStorage(COUNTERS);
    let nowMs = 0;
    const trace = new Trace(() => nowMs++);
    const query = 'sum(rate(c_total[30s])) + c_total @ 10 * 0 + (c_total + c_total)';
    const fill = query.replace('+ c_total @', '+ on() group_right() c_total @');
    await ask(storage, fill.replace(' + (c', ' + on(instance, job) (c'), { ...RANGE, trace });
    const lines: string[] = [];
    const walk = (node: TraceNode, depth: number): void => {
      const { text: what, stepCount, computedSteps, seriesRead, samplesRead, seriesOut } = node;
      const steps = `${computedSteps}/${stepCount}${node.isShared ? ' shared' : ''}`;
      const read = `${seriesRead}+${samplesRead}`;
      lines.push(`${' '.repeat(depth)}${node.node} ${steps} ${read} -> ${seriesOut} ${what}`);
      assert.ok(node.timeMs > 0);
      for (const child of node.children) walk(child, depth + 1);
    };
    walk(trace.root!, 0);
    assert.deepEqual(
      lines.map((line) => line.replace(/(Expr .*-> \d+) .*/, '$1')),
      [
        'BinaryExpr 4/4 9+48 -> 3',
        ' BinaryExpr 4/4 6+27 -> 3',
        '  AggregateExpr 4/4 3+21 -> 1',
        '   Leaf 4/4 3+21 -> 1 sum by () of rate over 30 s of c_total',
        '  BinaryExpr 1/4 3+6 -> 3',
        '   VectorSelector 1/1 3+6 -> 3 c_total @ 10.000',
        '    Leaf 1/1 3+6 -> 3 last of c_total @ 10.000',
        '   NumberLiteral 1/1 0+0 -> 1 0',
        ' ParenExpr 4/4 3+21 -> 3',
        '  BinaryExpr 4/4 3+21 -> 3',
        '   VectorSelector 4/4 3+21 -> 3 c_total',
        '    Leaf 4/4 3+21 -> 3 last of c_total',
        '   VectorSelector 0/4 shared 0+0 -> 3 c_total',
      ],
    );
  });
});

describe('refusals', () => {
  test('what start_timestamp gets is evaluated, also where it has no start', async () => {
    const storage = new TinyStorage({ 'm,x,a': [1], 'm,x,b': [1], 'n,y,c': [1] });
    const at = { ...INSTANT, startUs: 0, endUs: 0 };
    assert.deepEqual(text(await ask(storage, 'start_timestamp(m + 1)', at)), []);
    await assert.rejects(ask(storage, 'start_timestamp(n + on() m)', at), {
      code: 'promql-execution',
    });
  });

  test('many-to-many names both series', async () => {
    const storage = new TinyStorage({ 'm,x,a': [1], 'm,x,b': [1], 'n,y,c': [1] });
    await assert.rejects(ask(storage, 'n + on() m', { ...INSTANT, startUs: 0, endUs: 0 }), {
      code: 'promql-execution',
      message:
        'found duplicate series for the match group {} on the right hand-side of the operation: ' +
        '[{__name__="m", x="a"}, {__name__="m", x="b"}];many-to-many matching not allowed: ' +
        'matching labels must be unique on one side',
    });
  });

  test('the limit on samples names itself', async () => {
    const storage = new TinyStorage(COUNTERS);
    await assert.rejects(ask(storage, 'c_total', { ...RANGE, samplesMax: 10 }), {
      kind: 'limited',
      code: 'query-samples',
      message: /21 of at most 10/,
    });
  });

  test('the limit on series counts every reading, and what was read is told', async () => {
    const storage = new TinyStorage(COUNTERS);
    const reads: number[][] = [];
    const onRead = (...counts: number[]): void => void reads.push(counts);
    const query = 'c_total + c_total offset 10s';
    await ask(storage, query, { ...RANGE, seriesMax: 6, onRead });
    assert.deepEqual(reads, [
      [3, 21],
      [3, 18],
    ]);
    await assert.rejects(ask(storage, query, { ...RANGE, seriesMax: 5 }), {
      kind: 'limited',
      code: 'query-series',
      message: /^the query read 6 series, the limit of one query is 5 \(query-series, see /,
    });
  });

  test('a subquery of too many steps is refused before it takes memory', async () => {
    const storage = new TinyStorage(COUNTERS);
    await assert.rejects(ask(storage, 'count_over_time(c_total[100y:1ms])'), {
      code: 'query-samples',
    });
  });

  test('result columns count against the budget', async () => {
    const storage = new TinyStorage(COUNTERS);
    const context = contextOf(new AbortController().signal, 50);
    await assert.rejects(ask(storage, 'c_total * 2', RANGE, context), { code: 'query-memory' });
  });

  test('an aborted query rejects with the reason', async () => {
    const storage = new TinyStorage(COUNTERS);
    const reason = new AppError('timeout', 'query-timeout', 'too late');
    const context = contextOf(AbortSignal.abort(reason));
    await assert.rejects(ask(storage, 'c_total', INSTANT, context), reason);
  });
});

test('labels that functions in each other make longer and longer are refused', async () => {
  const storage = new TinyStorage(COUNTERS);
  const longer = (query: string): string =>
    `label_replace(${query}, "a", "${'$1'.repeat(20)}", "a", "(.*)")`;
  const seed = 'label_replace(vector(1), "a", "xxxxxxxxxx", "", "")';
  const query = longer(longer(longer(seed)));
  const { series } = await ask(storage, query);
  assert.equal(series[0]!.labels[1]!.length, 80_000);
  const code = 'promql-execution';
  const message = /label_replace\(\) makes a value of label "a" with more than 1048576 characters/;
  await assert.rejects(ask(storage, longer(query)), { code, message });
  await assert.rejects(ask(storage, longer(longer(longer(query)))), { code, message });
  const joined = `label_join(${query}, "b", "-"${', "a"'.repeat(14)})`;
  await assert.rejects(ask(storage, joined), {
    code,
    message: /label_join\(\) makes a value of label "b"/,
  });
  const context = contextOf(new AbortController().signal, 60_000);
  await assert.rejects(ask(storage, query, INSTANT, context), { code: 'query-memory' });
});

test('long fits of one series pause between their steps, with the same bits', async () => {
  const values = Array.from({ length: 3000 }, (_, i) => (i * 7919) % 101);
  const storage = new TinyStorage({ dense: values });
  const query = 'predict_linear(dense[6h:10s], time())';
  const range = { startUs: 6 * 3600e6, endUs: 8 * 3600e6, stepUs: 2e6, lookbackUs: 300e6 };
  let pauses = 0;
  const pause = async (): Promise<void> => void pauses++;
  const { series } = await ask(storage, query, { ...range, pause });
  assert.ok(pauses >= 4, String(pauses));
  const present = series[0]!.present.reduce((sum, slot) => sum + slot, 0);
  assert.equal(present, 3601);
  for (const k of [0, 1000, 2222, 3600]) {
    const at = range.startUs + k * range.stepUs;
    const alone = await ask(storage, query, { ...range, startUs: at, endUs: at, stepUs: 0 });
    assert.ok(Object.is(series[0]!.values[k], alone.series[0]!.values[0]), String(k));
  }
});

test('series that become one leave what they were made of as it is for other parts', async () => {
  const early = Array.from({ length: 30 }, (_, i) => i);
  const late = Array.from({ length: 90 }, (_, i) => (i < 60 ? Number.NaN : i));
  const storage = new TinyStorage({ 'm,i,1': early, 'm,i,2': late });
  const range = { startUs: 0, endUs: 890e6, stepUs: 10e6, lookbackUs: 10e6 };
  const query =
    'count(label_replace(abs(m > 0), "i", "", "", "")) - count(abs(m > 0) * 2) + 3 * count(-abs(m > 0))';
  const { series } = await ask(storage, query, range);
  const found = Array.from(
    series[0]!.values.filter((_, k) => series[0]!.present[k] === SLOT_FLOAT),
  );
  assert.deepEqual(
    found,
    Array.from({ length: 59 }, () => 3),
  );
});

test('operators pause between columns or steps, and a query that was ended stops there', async () => {
  const storage = new TinyStorage(COUNTERS);
  const queries = [
    'c_total * 2',
    'c_total + c_total',
    'c_total or c_total',
    'c_total > 0 unless c_total * 2',
    'absent(c_total)',
    'abs(c_total)',
    'round(c_total)',
    'sum(c_total * 2)',
    'quantile(0.5, c_total)',
    'topk(1, c_total)',
    'count_values("v", c_total)',
    'max_over_time(c_total[5m:1m])',
    'rate(c_total[5m] smoothed)',
    'c_total smoothed',
    'info(c_total)',
    'histogram_quantile(0.5, label_replace(c_total, "le", "1", "", ""))',
    'histogram_fraction(0, 1, label_replace(c_total, "le", "1", "", ""))',
    'quantile_over_time(time() / 1e10, c_total[5m] @ end())',
  ];
  for (const query of queries) {
    let pauses = 0;
    const pause = async (): Promise<void> => void pauses++;
    await ask(storage, query, { ...RANGE, pause });
    assert.ok(pauses >= 3, `${query}: ${pauses}`);
    const abort = new AbortController();
    const end = async (): Promise<void> => abort.abort(new Error('ended'));
    const context = contextOf(abort.signal);
    await assert.rejects(ask(storage, query, { ...RANGE, pause: end }, context), /ended/);
  }
});
