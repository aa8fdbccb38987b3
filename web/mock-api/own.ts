/** The mock's answers below `/orrery/v1`: cost, plan, live queries, storage. */
import { answerIngest } from './ingest.ts';
import { answerTenancy } from './tenancy.ts';
import { failed, type MockAnswer, type MockRequest, type MockState } from './mock-answer.ts';

const SIZE_BYTES = 43_200;
const LONG_AGO_MS = 95_000;

export function answerOwn(request: MockRequest, state: MockState): MockAnswer {
  const { method, path, params } = request;
  const id = /^queries\/(\w+)$/.exec(path)?.[1];
  if (method === 'DELETE' && id !== undefined) {
    state.cancelled.push(id);
    return { status: 204, body: undefined };
  }
  if (path === 'queries') return { status: 200, body: { queries: liveQueries(state) } };
  const ofIngest = answerIngest(request, state);
  if (ofIngest !== undefined) return ofIngest;
  const ofTenancy = answerTenancy(request, state);
  if (ofTenancy !== undefined) return ofTenancy;
  if (path === 'storage') return { status: 200, body: STORAGE };
  if (!state.hasGuards) return failed(404, 'not_found', `no such call: ${path}`);
  const query = params.get('query') ?? '';
  if (path === 'queries/estimate') return { status: 200, body: { ...COST, selectors: [] } };
  if (path === 'queries/explain') return { status: 200, body: explained(query) };
  return failed(404, 'not_found', `no such call: ${path}`);
}

const COST = { seriesCount: 60, sampleCount: 3600, sizeBytes: SIZE_BYTES };

/** A query that is asked for progress is half read; one of another client never ends. */
function liveQueries(state: MockState): readonly unknown[] {
  const cost = { seriesRead: 30, samplesRead: 1800, heldBytes: 1, peakBytes: 1 };
  const shared = { tenant: 'default', language: 'promql', waitedMs: 3.1, cost };
  const slow = { ...shared, id: 'aaaabbbbccccdddd', text: 'mock_slow', state: 'evaluating' };
  const other = {
    ...shared,
    id: '5f0c9a7be1d2c3b4',
    text: 'sum by (path) (rate(http_requests_total{job=~"shop|checkout|basket"}[5m]))',
    state: 'waiting',
    lane: 'heavy',
  };
  return [
    {
      ...other,
      startedMs: Date.now() - LONG_AGO_MS,
      elapsedMs: LONG_AGO_MS,
      estimate: null,
      progress: null,
    },
    {
      ...slow,
      startedMs: Date.now() - 2500,
      elapsedMs: 2500,
      lane: 'light',
      estimate: COST,
      progress: 0.5,
    },
  ].filter(({ id }) => !state.cancelled.includes(id));
}

function node(
  name: string,
  text: string,
  selfMs: number,
  children: readonly PlanShape[],
): PlanShape {
  const timeMs = selfMs + children.reduce((sum, child) => sum + child.timeMs, 0);
  const samplesRead = children.length === 0 ? 1200 : (children[0]?.samplesRead ?? 0);
  return {
    node: name,
    text,
    stepCount: 241,
    computedSteps: name === 'NumberLiteral' ? 1 : 241,
    isShared: false,
    seriesRead: 20,
    samplesRead,
    seriesOut: children.length === 0 ? 20 : 3,
    timeMs,
    selfMs,
    children,
  };
}

interface PlanShape {
  readonly node: string;
  readonly text: string;
  readonly timeMs: number;
  readonly selfMs: number;
  readonly samplesRead: number;
  readonly children: readonly PlanShape[];
  readonly [field: string]: unknown;
}

function explained(query: string): unknown {
  const leaf = node('Leaf', 'sum by (mode) of rate over 60 s of node_cpu_seconds_total', 1.7, []);
  const select = { ...node('Select', 'node_load1', 0.4, []), isShared: true };
  const plan = node('BinaryExpr', query, 0.02, [
    node('AggregateExpr', 'sum by (mode) (rate(node_cpu_seconds_total[1m]))', 0.3, [leaf]),
    select,
    node('NumberLiteral', '100', 0.001, []),
  ]);
  return {
    id: '5f0c9a7be1d2c3b4',
    estimate: COST,
    cost: { seriesRead: 20, samplesRead: 1200 },
    result: { type: 'matrix', seriesCount: 3, stepCount: 241 },
    annotations: [],
    plan,
  };
}

export function parsedQuery(query: string): unknown {
  const selector = {
    type: 'vectorSelector',
    name: 'node_load1',
    matchers: [
      { name: '__name__', type: '=', value: 'node_load1' },
      { name: 'job', type: '=~', value: 'node|x' },
    ],
  };
  if (!query.includes('(')) return selector;
  const call = {
    type: 'call',
    func: { name: 'rate' },
    args: [{ ...selector, type: 'matrixSelector' }],
  };
  return { type: 'aggregation', op: 'sum', grouping: ['mode'], expr: call };
}

const GIB = 1024 ** 3;

const STORAGE = {
  tenants: 2,
  shards: [0, 1].map((shard) => ({
    shard,
    frontier: 812,
    logEndOffset: 2048,
    logSizeBytes: 6_291_456,
    headSamples: 412_000 + shard,
    levels: [
      { level: 0, partCount: 3, sizeBytes: 1_400_000, sampleCount: 1_200_000 },
      { level: 1, partCount: 1, sizeBytes: 31_000_000, sampleCount: 29_000_000 },
    ],
    openDeletes: shard,
    merge: shard === 0 ? { kind: 'merge', partCount: 4, sizeBytes: 5e6, progress: 0.4 } : null,
    merges: { merge: 12 },
    flushedBytes: 1e8,
    rewrittenBytes: 4e7,
    writeAmplification: 1.4,
    disk: { freeBytes: 61 * GIB, totalBytes: 200 * GIB, floorBytes: GIB },
  })),
};
