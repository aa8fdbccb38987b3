// Every operation of the OpenAPI document of Prometheus, asked of a real server: the answer, and
// that to a bad question, has a form that the document allows. An operation of the document that no
// row below asks fails the test.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { parse } from 'yaml';
import { encodeSnappy } from '../../src/codec/snappy.ts';
import type { Histogram } from '../../src/model/histogram.ts';
import { ASKED_ELSEWHERE } from '../conformance/conformance-page.ts';
import { SchemaChecker } from '../support/json-schema.ts';
import type { Schema } from '../support/json-schema.ts';
import { requestV2 } from '../support/remote-write-v2.ts';
import { sharedPath } from '../support/shared.ts';
import { startOrrery } from './harness.ts';
import type { RunningOrrery } from './harness.ts';

const DOCUMENT = sharedPath('corpora/prom-api/openapi_3.1_golden.yaml');
const T = Math.floor(Date.now() / 1000) - 30;

type Params = readonly (readonly [string, string])[];

interface Row {
  /** Below /api/v1, as in the document. */
  readonly path: string;
  /** Each is asked by every method that the document has. */
  readonly good: readonly Params[];
  /** Refused with an Error. */
  readonly bad?: readonly Params[];
  /** What stands for the parameters of the path. */
  readonly at?: string;
}

const range: Params = [
  ['start', String(T - 100)],
  ['end', String(T)],
];
const query = (text: string, rest: Params = []): Params => [['query', text], ...rest];
const steps: Params = [...range, ['step', '10']];
const search: Params = [...range, ['search[]', 'm'], ['include_score', 'true']];

const ROWS: readonly Row[] = [
  {
    path: '/query',
    good: [
      query('m', [
        ['time', String(T)],
        ['stats', 'all'],
      ]),
      query('h', [['time', String(T)]]),
      query('m[1m]', [
        ['time', String(T)],
        ['limit', '1'],
      ]),
      query('1'),
      query('quantile(2, m)', [['time', String(T)]]),
    ],
    bad: [query('('), query('1', [['time', 'x']]), query('1', [['timeout', '-1']])],
  },
  {
    path: '/query_range',
    good: [query('m', steps), query('h', [...steps, ['stats', 'true']])],
    bad: [query('m')],
  },
  { path: '/query_exemplars', good: [query('m')], bad: [[]] },
  { path: '/format_query', good: [query('m+m')], bad: [query('(')] },
  { path: '/parse_query', good: [query('rate(m[5m]) > 2')], bad: [query('(')] },
  {
    path: '/labels',
    good: [
      [],
      [
        ['match[]', 'm'],
        ['limit', '1'],
      ],
    ],
    bad: [[['match[]', '{']]],
  },
  { path: '/label/{name}/values', at: '/label/job/values', good: [[]], bad: [[['limit', 'x']]] },
  {
    path: '/search/metric_names',
    good: [search, [...search, ['include_metadata', '1']]],
    bad: [[['limit', '0']]],
  },
  { path: '/search/label_names', good: [search], bad: [[['sort_by', 'x']]] },
  { path: '/search/label_values', good: [[...search, ['label', 'job']]], bad: [[]] },
  {
    path: '/series',
    good: [
      [
        ['match[]', 'm'],
        ['match[]', 'h'],
      ],
    ],
    bad: [[]],
  },
  { path: '/metadata', good: [[], [['metric', 'm']]], bad: [[['limit', 'x']]] },
  { path: '/scrape_pools', good: [[]] },
  { path: '/scrape_pools/config', good: [[['scrapePool', 'node']]], bad: [[]] },
  { path: '/targets', good: [[], [['state', 'active']], [['state', 'dropped']]] },
  {
    path: '/targets/metadata',
    good: [[], [['metric', 'orrery_build_info']]],
    bad: [[['limit', 'x']]],
  },
  {
    path: '/targets/relabel_steps',
    good: [
      [
        ['scrapePool', 'node'],
        ['labels', '{}'],
      ],
    ],
    bad: [[['scrapePool', 'node']]],
  },
  { path: '/rules', good: [[]] },
  { path: '/alerts', good: [[]] },
  { path: '/alertmanagers', good: [[]] },
  { path: '/status/config', good: [[]] },
  { path: '/status/runtimeinfo', good: [[]] },
  { path: '/status/buildinfo', good: [[]] },
  { path: '/status/flags', good: [[]] },
  { path: '/status/tsdb', good: [[], [['limit', '1']]], bad: [[['limit', '0']]] },
  { path: '/status/tsdb/blocks', good: [[]] },
  { path: '/status/walreplay', good: [[]] },
  {
    path: '/status/self_metrics',
    good: [[], [['metric_name_pattern', 'process_.*']]],
    bad: [[['metric_name_pattern', '(']]],
  },
  { path: '/notifications', good: [[]] },
  { path: '/features', good: [[]] },
  { path: '/admin/tsdb/delete_series', good: [[['match[]', 'nothing']]], bad: [[]] },
  { path: '/admin/tsdb/clean_tombstones', good: [[]] },
  { path: '/admin/tsdb/snapshot', good: [[]], bad: [[['skip_head', 'x']]] },
];

interface Operation {
  readonly requestBody?: unknown;
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: Schema }>> }>
  >;
}

interface Api {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

const HISTOGRAM: Histogram = {
  isInteger: true,
  schema: 0,
  zeroThreshold: 0.001,
  zeroCount: 1,
  count: 3,
  sum: 4,
  counterResetHint: 0,
  positiveSpans: [{ offset: 0, length: 1 }],
  positiveBuckets: Float64Array.of(2),
  negativeSpans: [],
  negativeBuckets: new Float64Array(0),
  customValues: new Float64Array(0),
};

let orrery: RunningOrrery;
before(async () => {
  orrery = await startOrrery(['--collect-interval', '1s']);
  const body = requestV2([
    {
      labels: ['__name__', 'm', 'job', 'a'],
      samples: [{ value: 1, tMs: T * 1000 }],
      exemplars: [{ labels: ['id', '1'], value: 2, tMs: T * 1000 }],
      metadata: { type: 2, help: 'Words.', unit: '' },
    },
    { labels: ['__name__', 'm', 'job', 'b'], samples: [{ value: 2, tMs: T * 1000 }] },
    { labels: ['__name__', 'h'], histograms: [{ histogram: HISTOGRAM, tMs: T * 1000 }] },
  ]);
  const wrote = await orrery.post('/api/v1/write', new Uint8Array(encodeSnappy(body)), {
    headers: {
      'Content-Type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request',
      'Content-Encoding': 'snappy',
    },
  });
  assert.equal(wrote.status, 204, wrote.text);
  for (let tries = 0; tries < 100; tries++) {
    if ((await orrery.get('/api/v1/targets')).text.includes('"health":"up"')) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail('the collector never scraped');
});
after(() => orrery.stop());

async function ask(row: Row, method: string, params: Params, hasForm: boolean) {
  const text = new URLSearchParams(params.map(([name, value]) => [name, value])).toString();
  const path = `/api/v1${row.at ?? row.path}`;
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
  const answer = hasForm
    ? await orrery.get(path, { method, body: text, headers })
    : await orrery.get(`${path}?${text}`, { method });
  return { ...answer, what: `${method} ${path}?${text}` };
}

/** What is wrong with an answer. */
function problemsOf(
  checker: SchemaChecker,
  operation: Operation,
  answer: { readonly status: number; readonly headers: Headers; readonly text: string },
): readonly string[] {
  const response = operation.responses[String(answer.status)] ?? operation.responses['default'];
  if (response === undefined) return [`status ${answer.status} is not in the document`];
  if (answer.status === 204) return answer.text === '' ? [] : ['204 with a body'];
  const type = (answer.headers.get('content-type') ?? '').split(';')[0]!;
  const content = response.content?.[type];
  if (content === undefined) return [`${answer.status} of type "${type}" is not in the document`];
  const value: unknown = type === 'application/json' ? JSON.parse(answer.text) : answer.text;
  return checker.problems(content.schema, value);
}

test('every operation answers as its document says', { skip: DOCUMENT.skip }, async () => {
  const api = parse(readFileSync(DOCUMENT.path, 'utf8')) as Api;
  const checker = new SchemaChecker(api.components.schemas);
  const found: string[] = [];
  let count = 0;
  for (const [path, methods] of Object.entries(api.paths)) {
    if (ASKED_ELSEWHERE.includes(path)) continue;
    const row = ROWS.find((one) => one.path === path);
    assert.ok(row !== undefined, `${path} is in the document and nobody asks it`);
    for (const [method, operation] of Object.entries(methods)) {
      const hasForm = operation.requestBody !== undefined;
      for (const [isBad, list] of [
        [false, row.good],
        [true, row.bad ?? []],
      ] as const)
        for (const params of list) {
          const answer = await ask(row, method.toUpperCase(), params, hasForm);
          assert.equal(answer.status >= 400, isBad, `${answer.what}: ${answer.text}`);
          const problems = problemsOf(checker, operation, answer);
          found.push(...problems.map((problem) => `${answer.what}: ${problem}`));
          count++;
        }
    }
  }
  assert.deepEqual(found, []);
  assert.ok(count > 100, `only ${count} answers`);
});

interface Served {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, { parameters?: readonly { name: string }[] }>>;
}

test('the own document has its operations and parameters', { skip: DOCUMENT.skip }, async () => {
  const served = async (version: string): Promise<Served> => {
    const { status, text } = await orrery.get(`/api/v1/openapi.yaml${version}`);
    assert.equal(status, 200, text);
    return parse(text) as Served;
  };
  const ours = await served('');
  assert.equal(ours.openapi, '3.1.0');
  assert.equal((await served('?openapi_version=3.2')).openapi, '3.2.0');
  assert.equal((await orrery.get('/api/v1/openapi.yaml?openapi_version=4')).status, 400);
  const theirs = parse(readFileSync(DOCUMENT.path, 'utf8')) as Served;
  for (const [path, operations] of Object.entries(theirs.paths)) {
    if (path === '/otlp/v1/metrics') continue;
    assert.deepEqual(Object.keys(ours.paths[path]!).toSorted(), Object.keys(operations).toSorted());
    for (const [method, { parameters = [] }] of Object.entries(operations)) {
      const names = ours.paths[path]![method]!.parameters!.map(({ name }) => name);
      for (const { name } of parameters) assert.ok(names.includes(name), `${path} ${name}`);
    }
  }
  for (const path of Object.keys(ours.paths)) assert.ok(theirs.paths[path] !== undefined, path);
});
