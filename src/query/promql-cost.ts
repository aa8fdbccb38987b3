// What a PromQL query asks of the storage before it runs: an estimate of what it will read, and,
// where it asks for more than one query may, who is to blame for it.
import { METRIC_NAME } from '../model/labels.ts';
import { AppError, limitDocs, limitNote } from '../model/errors.ts';
import type { ReadContext, SelectorEstimate, StorageReader } from '../model/storage.ts';
import type { Expr } from '../promql/ast.ts';
import { limitedError } from '../promql/engine/errors.ts';
import { reachesOf } from '../promql/engine/reach.ts';
import type { Reach } from '../promql/engine/reach.ts';
import type { EvalParams } from '../promql/engine/result.ts';
import { compileMatchers } from '../promql/engine/selector.ts';
import { printExpr } from '../promql/printer.ts';
import type { LimitId } from '../tenancy/limit-table.ts';
import { CULPRIT_LABELS, ESTIMATE_SLACK } from './limits.ts';
import type { QueryEstimate } from './query-service.ts';

export interface PromqlLimits {
  /** Series that one query may read. */
  readonly seriesMax: number;
  /** Samples that one query may read or hold at one time. */
  readonly samplesMax: number;
  /** Points of an answer. */
  readonly pointsMax: number;
}

export interface SelectorCost extends QueryEstimate {
  /** As printed. */
  readonly selector: string;
  readonly startUs: number;
  readonly endUs: number;
  readonly byLabel: SelectorEstimate['byLabel'];
}

export interface PromqlEstimate extends QueryEstimate {
  readonly selectors: readonly SelectorCost[];
}

type Estimator = Pick<StorageReader, 'estimate'>;

/** Selectors that read the same are asked for once. */
export async function estimatePromql(
  storage: Estimator,
  context: ReadContext,
  expr: Expr,
  params: EvalParams,
  labelLimit = 0,
): Promise<PromqlEstimate> {
  const selectors: SelectorCost[] = [];
  for (const { selector, startUs, endUs } of distinct(reachesOf(expr, params))) {
    const matchers = compileMatchers(selector.matchers);
    const found = await storage.estimate(context, { matchers, startUs, endUs, labelLimit });
    selectors.push({
      startUs,
      endUs,
      ...found,
      // Most estimates are never shown.
      get selector() {
        return printExpr(selector);
      },
    });
  }
  return { ...sumOf(selectors), selectors };
}

function distinct(reaches: readonly Reach[]): Iterable<Reach> {
  if (reaches.length < 2) return reaches;
  const byText = new Map<string, Reach>();
  for (const reach of reaches) {
    const text = `${reach.startUs} ${reach.endUs} ${printExpr(reach.selector)}`;
    if (!byText.has(text)) byText.set(text, reach);
  }
  return byText.values();
}

/** Of several stretches of one query; those that are kept are none of them. */
export function addEstimates(parts: readonly PromqlEstimate[]): PromqlEstimate {
  if (parts.length === 1) return parts[0]!;
  return { ...sumOf(parts), selectors: parts.flatMap(({ selectors }) => selectors) };
}

function sumOf(parts: readonly QueryEstimate[]): QueryEstimate {
  const sum = (of: (one: QueryEstimate) => number): number =>
    parts.reduce((total, one) => total + of(one), 0);
  return {
    seriesCount: sum((one) => one.seriesCount),
    sampleCount: sum((one) => one.sampleCount),
    sizeBytes: sum((one) => one.sizeBytes),
  };
}

/** Throws AppError limited where the query is sure to ask for more than it may. */
export function checkEstimate(estimate: PromqlEstimate, limits: PromqlLimits): void {
  if (estimate.seriesCount > limits.seriesMax)
    throw limitedError(
      'query-series',
      `the query would read ${estimate.seriesCount} series, the limit of one query is ` +
        `${limits.seriesMax} ${limitNote('query-series')}`,
      { limit: limits.seriesMax, value: estimate.seriesCount },
    );
  const most = Math.max(0, ...estimate.selectors.map(({ sampleCount }) => sampleCount));
  if (most > limits.samplesMax * ESTIMATE_SLACK)
    throw limitedError(
      'query-samples',
      `the query would read about ${most} samples with one selector, the limit is ` +
        `${limits.samplesMax} ${limitNote('query-samples')}`,
      { limit: limits.samplesMax, value: most },
    );
}

/** Codes of refusals that a look at the selectors explains. */
const EXPLAINED: readonly LimitId[] = [
  'query-series',
  'query-samples',
  'query-points',
  'query-memory',
];

/** The same refusal, with the selector and the label that contribute most. */
export async function withCulprit(
  error: AppError,
  storage: Estimator,
  context: ReadContext,
  expr: Expr,
  params: EvalParams,
): Promise<AppError> {
  const id = EXPLAINED.find((code) => code === error.code);
  if (id === undefined) return error;
  const { selectors } = await estimatePromql(storage, context, expr, params);
  const worst = selectors.toSorted((a, b) => b.sampleCount - a.sampleCount)[0];
  const facts = error.limit && { ...error.limit, docs: limitDocs(id) };
  if (worst === undefined)
    return new AppError(error.kind, error.code, error.message, {
      retryable: error.retryable,
      cause: error,
      limit: facts,
    });
  const reach = reachesOf(expr, params).find((one) => printExpr(one.selector) === worst.selector)!;
  const { byLabel } = await storage.estimate(context, {
    matchers: compileMatchers(reach.selector.matchers),
    startUs: worst.startUs,
    endUs: worst.endUs,
    labelLimit: CULPRIT_LABELS,
  });
  const label = byLabel.find(({ name }) => name !== METRIC_NAME) ?? byLabel[0];
  const blame =
    label === undefined
      ? ''
      : `; its label ${JSON.stringify(label.name)} contributes most, with ${label.valueCount} values`;
  const names = label === undefined ? [] : [`label ${label.name}`];
  const limit = facts && { ...facts, contributors: [worst.selector, ...names] };
  return new AppError(
    error.kind,
    error.code,
    `${error.message}; most of it is ${worst.selector}: ${worst.seriesCount} series, about ` +
      `${worst.sampleCount} samples${blame}`,
    { retryable: error.retryable, cause: error, limit },
  );
}
