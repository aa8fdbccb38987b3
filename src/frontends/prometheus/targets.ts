// `/api/v1/targets`, `/targets/metadata`, `/targets/relabel_steps`, `/scrape_pools`: what the
// collector of this server scrapes. It scrapes into one tenant; every other one has no targets.
// Source: Prometheus web/api/v1/api.go (targets, targetMetadata, scrapePools).
import type { DroppedTarget } from '../../agent/collector.ts';
import type { TargetStatus } from '../../agent/scrape-record.ts';
import { AppError } from '../../model/errors.ts';
import { labelsFromObject, labelsToObject, METRIC_NAME } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import { matchesAll, matcher } from '../../model/matcher.ts';
import type { Matcher } from '../../model/matcher.ts';
import { familiesOfNames } from '../../model/metric-families.ts';
import type { Metadata } from '../../model/columns.ts';
import { DEFAULT_TENANT } from '../../model/tenant.ts';
import type { RelabelRule } from '../../relabel/rule.ts';
import { errorMessage } from '../../stdx/assert.ts';
import type { Exchange } from '../http/exchange.ts';
import { read } from './metadata.ts';
import type { MetadataDependencies } from './metadata.ts';
import { invalidParameter, parseInteger, T_US_MAX } from './params.ts';
import { badParameter, success } from './status.ts';

export interface TargetDependencies extends MetadataDependencies {
  readonly targets: () => readonly TargetStatus[];
  /** That rules leave out. */
  readonly droppedTargets: () => readonly DroppedTarget[];
}

/** Go's zero time: never scraped. */
const NEVER = '0001-01-01T00:00:00Z';

function targetsOf(deps: TargetDependencies, exchange: Exchange): readonly TargetStatus[] {
  return exchange.principal.tenant === DEFAULT_TENANT ? deps.targets() : [];
}

function droppedOf(deps: TargetDependencies, exchange: Exchange): readonly DroppedTarget[] {
  return exchange.principal.tenant === DEFAULT_TENANT ? deps.droppedTargets() : [];
}

/** As Prometheus prints it: `1m30s`. */
function durationText(durationMs: number): string {
  let rest = durationMs;
  let text = '';
  for (const [unit, unitMs] of DURATION_UNITS) {
    const count = Math.floor(rest / unitMs);
    rest -= count * unitMs;
    if (count > 0) text += `${count}${unit}`;
  }
  return text === '' ? '0s' : text;
}

const DURATION_UNITS = [
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const;

function targetJson(target: TargetStatus) {
  const every = durationText(target.intervalMs);
  const timeout = durationText(target.timeoutMs);
  const { protocol, pathname } = new URL(target.url);
  return {
    discoveredLabels: {
      __metrics_path__: pathname,
      __scheme__: protocol.slice(0, -1),
      __scrape_interval__: every,
      __scrape_timeout__: timeout,
      ...target.discovered,
    },
    labels: target.labels,
    scrapePool: target.pool,
    scrapeUrl: target.url,
    globalUrl: target.url,
    lastError: target.lastError,
    lastScrape:
      target.lastScrapeMs === undefined ? NEVER : new Date(target.lastScrapeMs).toISOString(),
    lastScrapeDuration: target.lastDurationMs / 1000,
    health: target.health,
    scrapeInterval: every,
    scrapeTimeout: timeout,
  };
}

export async function targets(deps: TargetDependencies, exchange: Exchange): Promise<void> {
  const params = exchange.search;
  const state = (params.get('state') ?? '').toLowerCase();
  const pool = params.get('scrapePool') ?? '';
  const shown = ['', 'any', 'active'].includes(state) ? targetsOf(deps, exchange) : [];
  const isWanted = (one: { readonly pool: string }) => pool === '' || one.pool === pool;
  const active = shown.filter(isWanted);
  const dropped = state === 'active' ? [] : droppedOf(deps, exchange);
  const counts: Record<string, number> = {};
  if (state !== 'active') for (const target of targetsOf(deps, exchange)) counts[target.pool] = 0;
  for (const target of dropped) counts[target.pool] = (counts[target.pool] ?? 0) + 1;
  success(exchange, {
    activeTargets: active.map(targetJson),
    droppedTargets: dropped.filter(isWanted).map(({ pool: scrapePool, discovered }) => {
      return { discoveredLabels: discovered, scrapePool };
    }),
    droppedTargetCounts: counts,
  });
}

export async function scrapePools(deps: TargetDependencies, exchange: Exchange): Promise<void> {
  const jobs = new Set(
    [...targetsOf(deps, exchange), ...droppedOf(deps, exchange)].map(({ pool }) => pool),
  );
  success(exchange, { scrapePools: [...jobs].toSorted() });
}

function poolOf(deps: TargetDependencies, exchange: Exchange): TargetStatus | DroppedTarget {
  const pool = exchange.search.get('scrapePool') ?? '';
  if (pool === '') throw badParameter('no scrapePool parameter provided');
  const all = [...targetsOf(deps, exchange), ...droppedOf(deps, exchange)];
  const found = all.find((one) => one.pool === pool);
  if (found !== undefined) return found;
  const reason = `scrape pool ${JSON.stringify(pool)} not found`;
  throw badParameter(`error retrieving scrape config: ${reason}`);
}

export async function scrapePoolConfig(
  deps: TargetDependencies,
  exchange: Exchange,
): Promise<void> {
  const target = poolOf(deps, exchange);
  const { discovered } = target;
  // A target that rules leave out has its times from the job alone.
  const every =
    'intervalMs' in target ? durationText(target.intervalMs) : timeOf(discovered, 'interval');
  const timeout =
    'timeoutMs' in target ? durationText(target.timeoutMs) : timeOf(discovered, 'timeout');
  const yaml =
    `job_name: ${target.pool}\nscrape_interval: ${every}\nscrape_timeout: ${timeout}\n` +
    `static_configs:\n- targets:\n  - ${discovered['__address__'] ?? ''}\n`;
  success(exchange, { yaml });
}

function timeOf(
  discovered: Readonly<Record<string, string>>,
  what: 'interval' | 'timeout',
): string {
  return durationText(Number.parseInt(discovered[`__scrape_${what}__`] ?? '0', 10));
}

/** What each rule of a job makes of the labels; behind one that drops them nothing is left. */
export async function relabelSteps(deps: TargetDependencies, exchange: Exchange): Promise<void> {
  const params = exchange.search;
  if ((params.get('scrapePool') ?? '') === '')
    throw badParameter('no scrapePool parameter provided');
  const labels = params.get('labels') ?? '';
  if (labels === '') throw badParameter('no labels parameter provided');
  let given: Readonly<Record<string, string>>;
  try {
    given = JSON.parse(labels) as Readonly<Record<string, string>>;
    if (
      typeof given !== 'object' ||
      Object.values(given).some((value) => typeof value !== 'string')
    )
      throw new Error('a label is no text');
  } catch (error) {
    const message = `error parsing labels: ${errorMessage(error)}`;
    throw new AppError('invalid', 'parameter', message, { cause: error });
  }
  const { rules } = poolOf(deps, exchange);
  const { Relabeller } = await import('../../relabel/relabelling.ts');
  const made = new Relabeller(rules, 0).trace(labelsFromObject(given));
  const steps = rules.map((rule, i) => {
    const { verdict, after = [] } = made[i] ?? {};
    const keep = verdict === 'kept';
    return { rule: ruleJson(rule), output: keep ? labelsToObject(after) : {}, keep };
  });
  success(exchange, { steps });
}

/** By the names that Prometheus' API has. */
function ruleJson({ modulus, sourceLabels, ...rule }: RelabelRule) {
  const { separator, regex, targetLabel, replacement, action } = rule;
  return {
    ...(sourceLabels.length > 0 && { sourceLabels }),
    separator,
    regex,
    ...(modulus > 0n && { modulus: Number(modulus) }),
    ...(targetLabel !== '' && { targetLabel }),
    replacement,
    action,
  };
}

async function targetMatchers(text: string): Promise<readonly Matcher[]> {
  if (text === '') return [];
  const { parseMetricSelector } = await import('../../promql/parser.ts');
  try {
    return parseMetricSelector(text).map((m) => matcher(m.name, m.type, m.value));
  } catch (error) {
    const { code, message } = invalidParameter('match_target', errorMessage(error));
    throw new AppError('invalid', code, message, { cause: error });
  }
}

function familiesOf(names: readonly string[], rows: readonly Metadata[]): readonly Metadata[] {
  const known = familiesOfNames(names);
  return rows.filter(({ family }) => known.has(family));
}

/** Metadata of the families that a target has series of. */
export async function targetMetadata(deps: TargetDependencies, exchange: Exchange): Promise<void> {
  const params = exchange.search;
  const limitText = params.get('limit') ?? '';
  const limit = limitText === '' ? -1 : parseInteger(limitText);
  if (limit === undefined) throw badParameter('limit must be a number');
  const matchers = await targetMatchers(params.get('match_target') ?? '');
  const family = params.get('metric') ?? '';
  const wanted = targetsOf(deps, exchange)
    .map((target): [Record<string, string>, Labels] => {
      const labels = { ...target.labels };
      return [labels, labelsFromObject(labels)];
    })
    .filter(([, labels]) => matchesAll(matchers, labels));
  const out = await read(deps, exchange, params, 'targets', async (context) => {
    const request = { family: family === '' ? undefined : family, limit: 0 };
    const rows = await deps.storage.metadata(context, request);
    const found: object[] = [];
    for (const [target] of wanted) {
      const own = Object.entries(target).map(([name, value]) => matcher(name, '=', value));
      const range = { startUs: -T_US_MAX, endUs: T_US_MAX, limit: 0 };
      const names = await deps.storage.labelValues(context, METRIC_NAME, {
        ...range,
        matchers: own,
      });
      for (const { family: metric, type, help, unit } of familiesOf(names, rows))
        found.push({ target, ...(family === '' ? { metric } : {}), type, help, unit });
    }
    return found;
  });
  success(exchange, limit < 0 ? out : out.slice(0, limit));
}
