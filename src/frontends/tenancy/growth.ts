// `/orrery/v1/tenants/{tenant}/growth`: what makes the series of the tenant more than they were
// yesterday, and who began it. Series with a point in the last hour are compared with those that
// had one in the same hour a day before: by metric, label, label and value. Of a metric that grew
// the first series is looked for that was made since and had no point before, among those that the
// process kept with whoever sent them (tenancy/series-makers.ts).
import { compareLabels, compareUtf8, labelsToObject, METRIC_NAME } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import { matcher } from '../../model/matcher.ts';
import type { Cardinality, ReadContext } from '../../model/storage.ts';
import { isRestricted } from '../../model/tenant.ts';
import type { Clock } from '../../stdx/clock.ts';
import { nowUs } from '../../stdx/clock.ts';
import type { MadeSeries, SeriesMakers } from '../../tenancy/series-makers.ts';
import type { Exchange } from '../http/exchange.ts';
import { T_US_MAX } from '../prometheus/params.ts';
import { namesQuestion } from './cardinality.ts';
import type { CardinalityDependencies, NamesQuestion } from './cardinality.ts';
import {
  GROWTH_ROW_BYTES,
  MAKER_LOOK_SERIES_MAX,
  MAKER_LOOKS_MAX,
  MAKER_LOOKS_PER_METRIC,
} from './limits.ts';
import { timeText } from './tenants.ts';

export interface GrowthDependencies extends CardinalityDependencies {
  readonly makers: SeriesMakers;
  readonly clock: Clock;
}

const HOUR_US = 3_600e6;
const DAY_US = 24 * HOUR_US;

type Counts = Cardinality['byMetricName'];

interface Grown {
  readonly name: string;
  readonly now: number;
  readonly before: number;
}

/** What became more, by how much, the most first; at most `limit`. */
export function grown(now: Counts, before: Counts, limit: number): readonly Grown[] {
  const old = new Map(before.map(({ name, count }) => [name, count]));
  return now
    .map(({ name, count }) => ({ name, now: count, before: old.get(name) ?? 0 }))
    .filter((row) => row.now > row.before)
    .toSorted((a, b) => b.now - b.before - (a.now - a.before) || compareUtf8(a.name, b.name))
    .slice(0, limit);
}

export async function getGrowth(deps: GrowthDependencies, exchange: Exchange): Promise<void> {
  const question = namesQuestion(deps, exchange, 'growth');
  const nowAtUs = nowUs(deps.clock);
  const thenUs = nowAtUs - DAY_US;
  const answer = await deps.queries.run(question.request, async ({ context }) => {
    const before = await namesOf(deps, context, question, thenUs);
    const now = await namesOf(deps, context, question, nowAtUs);
    const list = (of: keyof Lists): readonly Grown[] => grown(now[of], before[of], question.limit);
    const metrics = list('byMetricName');
    const makers = await firstMakers({ deps, context, question, thenUs }, metrics);
    return {
      tenant: question.record.name,
      now: hourJson(nowAtUs, now),
      before: hourJson(thenUs, before),
      growth_by_metric: metrics.map((row) => {
        return { ...seriesJson(row), started_by: makers.get(row.name) ?? null };
      }),
      growth_by_label: list('byLabelName').map(seriesJson),
      growth_by_label_value: list('byLabelPair').map(seriesJson),
      growth_by_values: list('valuesByLabelName').map(({ name, now: values, before: old }) => {
        return { name, values, before: old };
      }),
      // Of what was made before the process was there nobody is known.
      makers_since: timeText(Math.max(deps.makers.sinceMs, thenUs / 1000)),
    };
  });
  exchange.sendJson(200, answer);
}

type Lists = Pick<
  Cardinality,
  'byMetricName' | 'byLabelName' | 'byLabelPair' | 'valuesByLabelName'
>;

/** All that has a point in the hour before. */
async function namesOf(
  { storage }: GrowthDependencies,
  context: ReadContext,
  { matchers }: NamesQuestion,
  endUs: number,
): Promise<Cardinality> {
  const hour = { matchers, startUs: endUs - HOUR_US, endUs };
  const found = await storage.cardinality(context, { ...hour, limit: 0 });
  const { byMetricName, byLabelName, byLabelPair } = found;
  const rows = byMetricName.length + 3 * byLabelName.length + byLabelPair.length;
  context.budget.take(rows * GROWTH_ROW_BYTES);
  return {
    ...found,
    byLabelName: byLabelName.filter(isNoName),
    byLabelPair: byLabelPair.filter(isNoName),
  };
}

/** The name is a label that all have, and its values are told as metrics. */
function isNoName({ name }: { readonly name: string }): boolean {
  return name !== METRIC_NAME && !name.startsWith(`${METRIC_NAME}=`);
}

function hourJson(endUs: number, { seriesCount: series }: Cardinality) {
  return { from: timeText((endUs - HOUR_US) / 1000), to: timeText(endUs / 1000), series };
}

function seriesJson({ name, now: series, before }: Grown) {
  return { name, series, before };
}

interface Look {
  readonly deps: GrowthDependencies;
  readonly context: ReadContext;
  readonly question: NamesQuestion;
  /** A series with a point until then is not new. */
  readonly thenUs: number;
}

/** By metric. To who sees a part of the tenant nothing is told of others in it. */
async function firstMakers(look: Look, metrics: readonly Grown[]) {
  const found = new Map<string, object>();
  const { deps, question, thenUs } = look;
  if (isRestricted(question.principal)) return found;
  let left = MAKER_LOOKS_MAX;
  for (const { name } of metrics) {
    const made = deps.makers
      .of(question.record.id, name)
      .filter(({ madeMs }) => madeMs * 1000 > thenUs)
      .slice(0, Math.min(left, MAKER_LOOKS_PER_METRIC));
    for (const one of made) {
      left--;
      if (!(await isNew(look, one))) continue;
      found.set(name, makerJson(one));
      break;
    }
  }
  return found;
}

async function isNew({ deps, context, thenUs }: Look, { labels }: MadeSeries): Promise<boolean> {
  const matchers = pairsOf(labels).map(([name, value]) => matcher(name, '=', value));
  const range = { startUs: -T_US_MAX, endUs: thenUs, limit: MAKER_LOOK_SERIES_MAX };
  const before = await deps.storage.series(context, { matchers, ...range });
  if (before.length === MAKER_LOOK_SERIES_MAX) return false;
  return before.every((other) => compareLabels(other, labels) !== 0);
}

function pairsOf(labels: Labels): readonly (readonly [string, string])[] {
  return Array.from({ length: labels.length / 2 }, (_, i) => [labels[2 * i]!, labels[2 * i + 1]!]);
}

function makerJson({ tokenId: token, protocol, labels, madeMs }: MadeSeries) {
  return { time: timeText(madeMs), token, protocol, labels: labelsToObject(labels) };
}
