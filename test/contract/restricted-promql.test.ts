// PromQL of a restricted principal: no operator, function or way of matching gets beyond the
// restriction. The answer has the bytes of an open principal's over a storage that holds only what
// the restriction selects.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { labelsFromObject } from '../../src/model/labels.ts';
import { matcher, matchesAll } from '../../src/model/matcher.ts';
import type { Storage } from '../../src/model/storage.ts';
import { openPrincipal } from '../../src/model/tenant.ts';
import type { Principal } from '../../src/model/tenant.ts';
import { evaluate } from '../../src/promql/engine/engine.ts';
import type { EvalParams } from '../../src/promql/engine/result.ts';
import { parseExpr } from '../../src/promql/parser.ts';
import { prometheusJson } from '../../src/query/prometheus-json.ts';
import { AppError } from '../../src/model/errors.ts';
import { randomInt, seededPrng } from '../../src/stdx/prng.ts';
import { RandomExpressions } from '../differential/random-expressions.ts';
import { withContext } from './contexts.ts';
import { MemoryStorage } from './memory-storage.ts';
import { point, writeRows } from './rows.ts';
import type { Row } from './rows.ts';
import { TsdbUnderTest } from './tsdb-under-test.ts';

const SEC = 1_000_000;
const STEP_SEC = 15;
const START_SEC = 1_767_225_600;
const SAMPLES = 120;
const RANDOM = 400;
const END_SEC = START_SEC + SAMPLES * STEP_SEC;

const LABELS = { env: ['prod', 'dev'], job: ['a', 'b'], instance: ['i1', 'j2'] };
const METRICS = ['requests_total', 'load', 'latency_bucket', 'target_info'].map((name) => ({
  name,
  // Functions of histograms are asked of it too.
  holds: name === 'load' ? ('both' as const) : ('floats' as const),
  labels: name === 'latency_bucket' ? { ...LABELS, le: ['0.1', '1', '+Inf'] } : LABELS,
}));

function* series(): Generator<Record<string, string>> {
  for (const { name, labels } of METRICS) {
    let sets: Record<string, string>[] = [{ __name__: name }];
    for (const [label, values] of Object.entries(labels))
      sets = sets.flatMap((set) => values.map((value) => ({ ...set, [label]: value })));
    yield* sets;
  }
  // Without the label that is forced.
  yield { __name__: 'load', job: 'a', instance: 'bare' };
  yield { __name__: 'only_dev', env: 'dev', job: 'a' };
}

function rowsOf(): Row[] {
  const prng = seededPrng(3);
  const rows: Row[] = [];
  for (const labels of series())
    for (let i = 0; i < SAMPLES; i++) {
      const isOne = labels['__name__'] === 'target_info';
      const value = isOne ? 1 : i * (1 + randomInt(prng, 3)) + Number(labels['le'] ?? 0.5) * 10;
      const tUs = (START_SEC + i * STEP_SEC) * SEC;
      rows.push(point(labels, tUs, Number.isFinite(value) ? value : i * 40));
    }
  return rows;
}

const OPEN = openPrincipal('red');
const PRINCIPALS: readonly Principal[] = [
  [matcher('env', '=', 'prod')],
  [matcher('env', '!=', 'prod')],
  [matcher('env', '=~', 'dev|')],
  [matcher('env', '!~', '.+')],
  [matcher('__name__', '=~', 'load|target_info')],
  [matcher('env', '=', 'prod'), matcher('instance', '!=', 'i1')],
  [matcher('none', '=', 'x')],
].flatMap((forcedMatchers) => [
  { ...OPEN, forcedMatchers },
  {
    ...OPEN,
    forcedMatchers,
    minTUs: (START_SEC + 600) * SEC,
    maxTUs: (START_SEC + 1200) * SEC + 1,
  },
]);

/** Each tries to reach what is not selected, or tells by its answer that it is there. */
const TRICKS = [
  'load{env="dev"}',
  'load{env="prod"} or load{env="dev"}',
  '{env=~".*"}',
  '{__name__=~".+"}',
  '{env!="prod",__name__!=""}',
  '{__name__=~".+",env!~"prod"}',
  'load{env="prod",env="dev"}',
  'load{env=""}',
  'load or requests_total or only_dev',
  'load unless on(job) only_dev',
  'load and on(job) only_dev',
  'load * on(job) group_left(env) only_dev',
  'absent(only_dev)',
  'absent(load{env="dev"})',
  'absent_over_time(load{env="dev"}[10m])',
  'absent(load{env=~"dev|prod"} offset 10m)',
  'count by (env) ({__name__=~".+"})',
  'count_values("v", load)',
  'max_over_time(load{env="dev"}[20m:1m])',
  'sum(rate(requests_total{env!="prod"}[5m]))[10m:1m]',
  'max_over_time((load{env="dev"} or load)[30m:5m])',
  'present_over_time(load[1h])',
  'load @ 1767225600',
  'load @ start() or load @ end()',
  'load offset -30m',
  'sum_over_time(load[1h] offset -30m)',
  'label_replace(load, "env", "dev", "env", "prod")',
  'label_replace(load, "env", "prod", "", "")',
  'label_join(load, "env", "-", "env", "job")',
  'topk(100, {__name__=~".+"})',
  'bottomk by (env) (1, load)',
  'limitk(50, {job="a"})',
  'limit_ratio(1, {job="a"})',
  'info(load)',
  'info(load, {env="dev"})',
  'histogram_quantile(0.9, latency_bucket)',
  'scalar(only_dev)',
  'vector(scalar(count(load)))',
  'sort_by_label(load, "env")',
  'timestamp(load{env="dev"})',
  'group by (env, instance) (load)',
  'quantile(0.5, load) + stddev(load)',
] as const;

async function opened(shards: number, rows: readonly Row[]): Promise<Storage> {
  const { storage } = await new TsdbUnderTest({}, shards).open();
  // A part, and behind it what is in memory.
  const edgeUs = (START_SEC + SAMPLES * STEP_SEC * 0.6) * SEC;
  const isOld = ({ tUs }: Row): boolean => tUs < edgeUs;
  await writeRows(storage, rows.filter(isOld), { principal: OPEN });
  await storage.flush();
  await writeRows(
    storage,
    rows.filter((row) => !isOld(row)),
    { principal: OPEN },
  );
  return storage;
}

function answer(
  storage: Storage,
  principal: Principal,
  text: string,
  params: EvalParams,
): Promise<string> {
  return withContext(
    storage,
    async (context) => {
      try {
        const result = await evaluate(storage, context, parseExpr(text), params);
        const pieces = [...prometheusJson(result, { seriesMax: 0 })];
        return pieces.map((piece) => Buffer.from(piece).toString('latin1')).join('');
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        return error.message;
      }
    },
    principal,
  );
}

function cutTo({ forcedMatchers, minTUs, maxTUs }: Principal, rows: readonly Row[]): Row[] {
  return rows.filter(
    ({ series: labels, tUs }) =>
      tUs >= minTUs && tUs <= maxTUs && matchesAll(forcedMatchers, labelsFromObject(labels)),
  );
}

const RANGE = { startUs: START_SEC * SEC, endUs: (END_SEC + 300) * SEC };
const PARAMS: readonly EvalParams[] = [
  { startUs: (END_SEC - 900) * SEC, endUs: (END_SEC - 900) * SEC, stepUs: 0 },
  { startUs: END_SEC * SEC, endUs: END_SEC * SEC, stepUs: 0 },
  { ...RANGE, stepUs: 60 * SEC },
].map((times) => ({ ...times, lookbackUs: 300 * SEC }));

for (const shards of [1, 3])
  test(`PromQL stays within the restriction, ${shards} shards`, async () => {
    const rows = rowsOf();
    const subject = await opened(shards, rows);
    const random = new RandomExpressions(seededPrng(shards), METRICS, {
      startSec: START_SEC,
      endSec: END_SEC,
    });
    let filled = 0;
    for (const [i, principal] of PRINCIPALS.entries()) {
      const cut = new MemoryStorage();
      await writeRows(cut, cutTo(principal, rows), { principal: OPEN });
      const share = RANDOM / PRINCIPALS.length;
      const texts = [...TRICKS, ...Array.from({ length: share }, () => random.next())];
      for (const [k, text] of texts.entries()) {
        const params = PARAMS[(i + k) % PARAMS.length]!;
        const found = await answer(subject, principal, text, params);
        assert.equal(found, await answer(cut, OPEN, text, params), `${text} as principal ${i}`);
        if (found.includes('"metric"')) filled++;
      }
    }
    assert.ok(filled > 300, `only ${filled} answers say anything`);
    await subject.close();
  });
