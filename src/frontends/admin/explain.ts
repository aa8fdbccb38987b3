// `POST /orrery/v1/ingest/explain?protocol=…`: a body through parser, relabelling and limits up to
// the storage, by the protocol's own handler, and nothing stored. Tells what each stage says and
// what would be answered; further parameters and headers are the protocol's.
import type { DryPoint } from '../../ingest/dry-run.ts';
import { DryRun } from '../../ingest/dry-run.ts';
import type { Ingest } from '../../ingest/ingest.ts';
import { DRY_POINTS_MAX } from '../../ingest/limits.ts';
import type { RefusalReason } from '../../ingest/refusal-reasons.ts';
import type { RelabelStore } from '../../ingest/relabel-store.ts';
import { NUMERIC_KINDS, KIND } from '../../model/columns.ts';
import { AppError } from '../../model/errors.ts';
import { labelsKey, labelsToObject } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import { matcher } from '../../model/matcher.ts';
import type { ReadContext, Storage, StorageHouse } from '../../model/storage.ts';
import type { QueryService } from '../../query/query-service.ts';
import type { Clock } from '../../stdx/clock.ts';
import { nowUs } from '../../stdx/clock.ts';
import { CapturedResponse } from '../http/captured-response.ts';
import type { CapturedAnswer } from '../http/captured-response.ts';
import type { Exchange } from '../http/exchange.ts';
import type { Route } from '../http/route.ts';
import { relabelledJson, stepJson } from './relabel.ts';

export interface ExplainDependencies {
  readonly storage: Storage;
  readonly queries: QueryService;
  readonly clock: Clock;
  readonly relabel: RelabelStore;
  /** Those of all protocols that take points, before another ingest. */
  readonly writeRoutes: (ingest: Ingest) => readonly Route[];
}

/** Where the parser of a protocol takes bodies. */
const PATHS: Readonly<Record<string, string>> = {
  influx: '/write',
  'influx-v2': '/api/v2/write',
  'influx-v3': '/api/v3/write_lp',
  graphite: '/graphite/api/v1/sink',
  opentsdb: '/api/put',
  'remote-write': '/api/v1/write',
  prometheus: '/api/v1/import/prometheus',
  warp10: '/api/v0/update',
  jsonl: '/api/v1/import',
  csv: '/api/v1/import/csv',
  collectd: '/collectd',
  otlp: '/v1/metrics',
};

type Verdict = 'ok' | 'refused' | 'dropped' | 'skipped';

interface Stage {
  readonly stage: 'request' | 'parse' | 'relabel' | 'limits' | 'store';
  readonly verdict: Verdict;
  /** A sentence. */
  readonly says: string;
  readonly [detail: string]: unknown;
}

const LIMITS: readonly RefusalReason[] = ['label-limits', 'series-limit', 'time-range'];

function findRoute(routes: readonly Route[], protocol: string): Route | undefined {
  const path = Object.hasOwn(PATHS, protocol) ? PATHS[protocol] : undefined;
  return routes.find((route) => route.path === path && route.method === 'POST');
}

function unknownProtocol(routes: readonly Route[], protocol: string): AppError {
  const known = Object.keys(PATHS).filter((name) =>
    routes.some((route) => route.path === PATHS[name]),
  );
  const said = protocol === '' ? 'protocol is missing' : `unknown protocol "${protocol}"`;
  return new AppError('invalid', 'protocol', `${said}; expected one of ${known.join(', ')}`);
}

interface Run {
  readonly dry: DryRun;
  readonly answer: CapturedAnswer;
  readonly error: AppError | undefined;
}

async function runDry(exchange: Exchange, route: Route, dry: DryRun): Promise<Run> {
  const response = new CapturedResponse(exchange.request);
  const inner = exchange.answering(response);
  try {
    await route.handler(inner);
    return { dry, answer: response.answer(), error: undefined };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const { status, headers = {}, body = '' } = route.errors(error, exchange.request);
    const text = typeof body === 'string' ? body : Buffer.from(body).toString('utf8');
    const retry =
      error.retryAfterSec === undefined ? {} : { 'Retry-After': String(error.retryAfterSec) };
    return { dry, answer: { status, headers: { ...headers, ...retry }, body: text }, error };
  } finally {
    inner.dispose();
  }
}

export async function explainIngest(deps: ExplainDependencies, exchange: Exchange): Promise<void> {
  const { tenant } = exchange.principal;
  const { storage, relabel } = deps;
  const dry = new DryRun({ splitOf: (of, name) => storage.splitOf(of, name), relabel });
  const protocol = exchange.search.get('protocol') ?? '';
  const routes = deps.writeRoutes(dry.ingest);
  const route = findRoute(routes, protocol);
  if (route === undefined) {
    // A body that is too large or damaged is the first thing wrong with a request.
    await exchange.body();
    throw unknownProtocol(routes, protocol);
  }
  const run = await runDry(exchange, route, dry);
  const stages = [requestStage(run), parseStage(run), relabelStage(run, deps, tenant)];
  stages.push(limitsStage(run), await storeStage(run, deps, exchange));
  const isStored = dry.points.length > 0;
  const { path } = route;
  exchange.sendJson(200, { protocol, path, tenant, isStored, stages, answer: run.answer });
}

function requestStage({ dry, error }: Run): Stage {
  if (dry.report === undefined && error !== undefined)
    return { stage: 'request', verdict: 'refused', says: error.message };
  return { stage: 'request', verdict: 'ok', says: 'The request is taken.' };
}

function skipped(stage: Stage['stage']): Stage {
  return { stage, verdict: 'skipped', says: 'Nothing came so far.' };
}

function plural(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? '' : 's'}`;
}

function parseStage({ dry: { report } }: Run): Stage {
  if (report === undefined) return skipped('parse');
  const { rowCount, pointCount, droppedCount, errors, refused } = report;
  const bad = refused.get('malformed') ?? 0;
  const points = pointCount + droppedCount;
  const says = `${plural(rowCount, 'row')} read, ${plural(points, 'point')} understood.`;
  if (bad === 0) return { stage: 'parse', verdict: 'ok', says, rowCount, pointCount: points };
  const refusal = `${plural(bad, 'row')} refused: ${errors[0]?.reason ?? 'no reason is known'}`;
  const details = { rowCount, pointCount: points, errors };
  return { stage: 'parse', verdict: 'refused', says: refusal, ...details };
}

function relabelStage({ dry }: Run, { relabel }: ExplainDependencies, tenant: string): Stage {
  const { version, source, rules } = relabel.get(tenant);
  if (rules.length === 0)
    return { stage: 'relabel', verdict: 'skipped', says: 'The tenant has no rules.' };
  if (dry.relabelled.length === 0) return skipped('relabel');
  const series = dry.relabelled.map(({ before, result, steps }) => {
    return {
      before: labelsToObject(before),
      ...relabelledJson(result),
      steps: steps.map(stepJson),
    };
  });
  const lost = dry.relabelled.find(({ result }) => result.kind !== 'kept')?.result;
  const whose = source === 'tenant' ? "the tenant's rules" : 'the default rules';
  const details = { version, source, series };
  if (lost === undefined || lost.kind === 'kept')
    return { stage: 'relabel', verdict: 'ok', says: `Kept by ${whose}.`, ...details };
  if (lost.kind === 'refused')
    return { stage: 'relabel', verdict: 'refused', says: lost.reason, ...details };
  const says =
    lost.rule === 0
      ? `Dropped: ${whose} leave no label.`
      : `Dropped by rule ${lost.rule} (line ${rules[lost.rule - 1]?.line}) of ${whose}.`;
  return { stage: 'relabel', verdict: 'dropped', says, ...details };
}

function limitsStage({ dry: { report } }: Run): Stage {
  if (report === undefined) return skipped('limits');
  const over = LIMITS.filter((reason) => report.refused.has(reason));
  if (over.length === 0 && report.pointCount === 0) return skipped('limits');
  if (over.length === 0)
    return { stage: 'limits', verdict: 'ok', says: 'Within the limits of labels and time.' };
  const reason = report.errors.at(-1)?.reason ?? '';
  const says = `${over.join(', ')}: ${reason}`;
  return { stage: 'limits', verdict: 'refused', says, errors: report.errors };
}

async function storeStage(
  { dry }: Run,
  deps: ExplainDependencies,
  exchange: Exchange,
): Promise<Stage> {
  const { storage } = deps;
  const { metadataCount, exemplarCount } = dry;
  if (dry.points.length === 0) {
    const isMetadata = metadataCount > 0;
    if (!isMetadata) return skipped('store');
    const says = `${plural(metadataCount, 'family')} of metadata, no point.`;
    return { stage: 'store', verdict: 'ok', says, metadataCount };
  }
  const full = storage.house().find(isFull);
  const horizonUs = storage.retention(exchange.principal.tenant).horizonUs;
  const points = await withState(deps, exchange, dry.points);
  const details = {
    pointCount: dry.report?.pointCount ?? 0,
    shownMax: DRY_POINTS_MAX,
    metadataCount,
    exemplarCount,
    points: points.map((point) => ({ ...point, isExpired: point.tUs < horizonUs })),
  };
  if (full?.disk !== undefined) {
    const says = `${full.disk.freeBytes} bytes of the disk are free; writes are refused below ${full.disk.floorBytes}.`;
    return { stage: 'store', verdict: 'refused', says, ...details };
  }
  if (dry.points.every(({ tUs }) => tUs < horizonUs)) {
    const says = 'Older than what the tenant keeps: stored, but no query shows it.';
    return { stage: 'store', verdict: 'dropped', says, ...details };
  }
  const says = `${plural(details.pointCount, 'point')} would be stored.`;
  return { stage: 'store', verdict: 'ok', says, ...details };
}

function isFull({ disk }: StorageHouse): boolean {
  return disk !== undefined && disk.freeBytes < disk.floorBytes;
}

interface PointJson extends Omit<DryPoint, 'labels'> {
  readonly labels: Readonly<Record<string, string>>;
  /** ISO 8601; '' of a time that has no such form. */
  readonly time: string;
  readonly isNewSeries: boolean;
  /** Time of the newest number of the series; null: none is known. */
  readonly newestUs: number | null;
}

/** What the storage knows of each series. */
async function withState(
  deps: ExplainDependencies,
  exchange: Exchange,
  points: readonly DryPoint[],
): Promise<readonly PointJson[]> {
  const { principal, signal } = exchange;
  const request = { principal, language: 'explain', text: '', timeoutMs: undefined, signal };
  return await deps.queries.run(request, async ({ context }) => {
    const known = new Map<string, Promise<Pick<PointJson, 'isNewSeries' | 'newestUs'>>>();
    const out: PointJson[] = [];
    for (const { labels, ...point } of points) {
      const key = labelsKey(labels);
      let state = known.get(key);
      if (state === undefined) known.set(key, (state = stateOf(deps, context, labels)));
      const time = isoTime(point.tUs);
      out.push({ ...point, labels: labelsToObject(labels), time, ...(await state) });
    }
    return out;
  });
}

/** A year ahead: points of the future count. */
const AHEAD_US = 366 * 86_400 * 1e6;
const EVER_US = 2 ** 52;

async function stateOf(
  { storage, clock }: ExplainDependencies,
  context: ReadContext,
  labels: Labels,
): Promise<Pick<PointJson, 'isNewSeries' | 'newestUs'>> {
  const matchers = [];
  for (let i = 0; i < labels.length; i += 2)
    matchers.push(matcher(labels[i]!, '=', labels[i + 1]!));
  const key = labelsKey(labels);
  const isSame = (other: { readonly labels: Labels }) => labelsKey(other.labels) === key;
  const range = { startUs: -EVER_US, endUs: EVER_US };
  const found = await storage.series(context, { matchers, ...range, limit: 0 });
  if (!found.some((one) => isSame({ labels: one }))) return { isNewSeries: true, newestUs: null };
  const endUs = nowUs(clock) + AHEAD_US;
  const { groups } = await storage.runLeaf(context, {
    matchers,
    startUs: endUs,
    endUs,
    stepUs: 0,
    windowUs: 0,
    lookbackUs: EVER_US,
    bounds: 'left-open',
    kernel: 'timestamp',
    args: [],
    grouping: undefined,
    kinds: NUMERIC_KINDS | (1 << KIND.histogram),
  });
  const newestSec = groups.find(isSame)?.values[0];
  return {
    isNewSeries: false,
    newestUs: newestSec === undefined ? null : Math.round(newestSec * 1e6),
  };
}

function isoTime(tUs: number): string {
  const date = new Date(Math.floor(tUs / 1000));
  return Number.isNaN(date.getTime()) ? '' : date.toISOString();
}
