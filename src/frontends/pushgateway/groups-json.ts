// `GET /api/v1/metrics`: all groups of the tenant with what they hold, as the real Pushgateway
// answers. Source: pushgateway api/v1/api.go (metrics, makeEncodableMetrics), where numbers are
// printed as Go does.
import type { StoredGroup } from '../../agent/push/group-rows.ts';
import type { PushedFamily, PushedSeries } from '../../agent/push/pushed-page.ts';
import { formatGoFloat } from '../../codec/go-float.ts';
import { labelsToObject, METRIC_NAME } from '../../model/labels.ts';
import type { Exchange } from '../http/exchange.ts';
import type { PushgatewayDependencies } from './dependencies.ts';

const TYPES: Readonly<Record<string, string>> = {
  unknown: 'UNTYPED',
  gaugehistogram: 'GAUGE_HISTOGRAM',
};

/** Label of a part of a metric, by the metric's type. */
const BOUND: Readonly<Record<string, string>> = {
  histogram: 'le',
  gaugehistogram: 'le',
  summary: 'quantile',
};

interface MetricJson {
  readonly labels: Record<string, string>;
  value?: string;
  count?: string;
  sum?: string;
  buckets?: Record<string, string>;
  quantiles?: Record<string, string>;
}

export async function groups(deps: PushgatewayDependencies, exchange: Exchange): Promise<void> {
  const all = deps.pushGroups().groups(exchange.principal.tenant);
  exchange.sendJson(200, { status: 'success', data: all.map(groupJson) });
}

function groupJson({ labels, pushTimeMs, failureTimeMs, families }: StoredGroup): object {
  return {
    labels: labelsToObject(labels),
    last_push_successful: pushTimeMs > failureTimeMs,
    ...Object.fromEntries(families.map((family) => [family.family, familyJson(family)])),
  };
}

function familyJson(family: PushedFamily): object {
  const { type, help, timeMs } = family;
  return {
    time_stamp: new Date(timeMs).toISOString(),
    type: TYPES[type] ?? type.toUpperCase(),
    ...(help === '' ? {} : { help }),
    metrics: metricsOf(family),
  };
}

/** Series of a histogram or summary are one metric. */
function metricsOf({ family, type, series }: PushedFamily): readonly MetricJson[] {
  const bound = BOUND[type];
  const byLabels = new Map<string, MetricJson>();
  for (const one of series) {
    const { [METRIC_NAME]: name = '', ...labels } = labelsToObject(one.labels);
    const { [bound ?? METRIC_NAME]: at, ...own } = labels;
    const key = JSON.stringify(Object.entries(own));
    let metric = byLabels.get(key);
    if (metric === undefined) {
      // The real one shows the empty label that keeps a scraper from adding its own.
      metric = { labels: { instance: '', ...own } };
      byLabels.set(key, metric);
    }
    addTo(metric, one, { part: name.slice(family.length), bound, at });
  }
  return [...byLabels.values()];
}

function addTo(
  metric: MetricJson,
  { value }: PushedSeries,
  { part, bound, at }: { part: string; bound: string | undefined; at: string | undefined },
): void {
  if (typeof value !== 'number') {
    metric.count = formatGoFloat(value.count);
    metric.sum = formatGoFloat(value.sum);
  } else if (bound === 'le' && at !== undefined) (metric.buckets ??= {})[at] = formatGoFloat(value);
  else if (bound === 'quantile' && at !== undefined)
    (metric.quantiles ??= {})[at] = formatGoFloat(value);
  else if (bound !== undefined && part.endsWith('count')) metric.count = formatGoFloat(value);
  else if (bound !== undefined && part.endsWith('sum')) metric.sum = formatGoFloat(value);
  else metric.value = formatGoFloat(value);
}
