// From label pairs as a protocol read them to the labels of a series of ours: forced labels, the
// tenant's relabelling, limits, and the rule for metric names that two measurement/field splits
// share. Runs once per new row of a dictionary, never per sample.
import { assert } from '../stdx/assert.ts';
import type { NameSplit, SeriesRef } from '../model/columns.ts';
import { limitDocs, limitNote } from '../model/errors.ts';
import type { LimitFacts } from '../model/errors.ts';
import type { Labels } from '../model/labels.ts';
import { METRIC_NAME, labelValue, labelsFromPairs } from '../model/labels.ts';
import { ORIGIN_LABEL, originOf } from '../model/name-splits.ts';
import { REF_REFUSED } from '../model/storage.ts';
import type { StorageWriter } from '../model/storage.ts';
import type { TenantId } from '../model/tenant.ts';
import type { Relabelling } from '../relabel/relabelling.ts';
import { tenantLimits } from '../tenancy/limit-table.ts';
import type { EffectiveLimits, LimitId } from '../tenancy/limit-table.ts';
import { REF_DROPPED } from './dropped-points.ts';
import type { RefusalReason } from './refusal-reasons.ts';

export interface LabelLimits {
  readonly labelCountMax: number;
  readonly labelNameBytesMax: number;
  readonly labelValueBytesMax: number;
}

export function labelLimits(limits: EffectiveLimits): LabelLimits {
  return {
    labelCountMax: limits['labels-per-series'],
    labelNameBytesMax: limits['label-name-bytes'],
    labelValueBytesMax: limits['label-value-bytes'],
  };
}

export const DEFAULT_LABEL_LIMITS = labelLimits(tenantLimits({}));

/** A UTF-16 unit is at most three bytes of UTF-8, so most texts are never measured. */
function isLongerThan(text: string, limitBytes: number): boolean {
  if (text.length * 3 <= limitBytes) return false;
  return text.length > limitBytes || Buffer.byteLength(text, 'utf8') > limitBytes;
}

function shorten(text: string): string {
  return text.length > 64 ? `${text.slice(0, 64)}…` : text;
}

/** Why a series is refused. */
export interface SeriesRefusal {
  readonly sentence: string;
  /** undefined: it is no limit that refuses. */
  readonly limit: LimitFacts | undefined;
}

interface LabelBreach {
  readonly id: LimitId;
  readonly limit: number;
  readonly value: number;
  /** What has so many. */
  readonly of: string;
}

function overLimit(sentence: string, { id, limit, value, of }: LabelBreach): SeriesRefusal {
  const contributors = of === '' ? [] : [of];
  const docs = limitDocs(id);
  return {
    sentence: `${sentence} ${limitNote(id)}`,
    limit: { id, limit, value, contributors, docs },
  };
}

/** Why these labels are refused, or undefined where they may be stored. */
function labelRefusal(labels: Labels, limits: LabelLimits): SeriesRefusal | undefined {
  if (labels.length === 0)
    return { sentence: 'a series needs at least one label with a value', limit: undefined };
  const name = labelValue(labels, METRIC_NAME);
  const of = name === '' ? '' : ` of metric '${shorten(name)}'`;
  const count = labels.length / 2;
  const limit = limits.labelCountMax;
  if (count > limit) {
    const metric = name === '' ? '' : `metric ${shorten(name)}`;
    const breach = { id: 'labels-per-series', limit, value: count, of: metric } as const;
    return overLimit(`series${of} has ${count} labels, the limit is ${limit}`, breach);
  }
  for (let i = 0; i < labels.length; i += 2) {
    const label = labels[i]!;
    const value = labels[i + 1]!;
    const isGood =
      label !== '' &&
      !isLongerThan(label, limits.labelNameBytesMax) &&
      !isLongerThan(value, limits.labelValueBytesMax) &&
      label.isWellFormed() &&
      value.isWellFormed();
    if (!isGood) return pairRefusal(label, value, of, limits);
  }
  return undefined;
}

/** What is wrong with one label: only where something is. */
function pairRefusal(
  label: string,
  value: string,
  metric: string,
  limits: LabelLimits,
): SeriesRefusal {
  const { labelNameBytesMax, labelValueBytesMax } = limits;
  if (label === '') return { sentence: `a label${metric} has an empty name`, limit: undefined };
  const shown = `label '${shorten(label)}'${metric}`;
  const tooLong = (what: string, id: LimitId, text: string, limit: number): SeriesRefusal => {
    const breach = { id, limit, value: Buffer.byteLength(text), of: `label ${shorten(label)}` };
    return overLimit(
      `${what} of ${shown} has ${breach.value} bytes, the limit is ${limit}`,
      breach,
    );
  };
  if (isLongerThan(label, labelNameBytesMax))
    return tooLong('name', 'label-name-bytes', label, labelNameBytesMax);
  if (isLongerThan(value, labelValueBytesMax))
    return tooLong('value', 'label-value-bytes', value, labelValueBytesMax);
  return { sentence: `${shown} is not valid Unicode`, limit: undefined };
}

export interface AdmissionContext {
  readonly storage: Pick<StorageWriter, 'resolve' | 'resolveBytes' | 'knows' | 'splitOf'>;
  readonly tenant: TenantId;
  readonly forcedLabels: Labels;
  readonly limits: LabelLimits;
  /** undefined: the tenant has no rules. */
  readonly relabelling?: Relabelling | undefined;
  /** Called with the labels of a new series that a limit refuses; what it says of the limit. */
  readonly onSeriesRefused?: ((labels: Labels) => SeriesRefusal | undefined) | undefined;
}

export interface Admission {
  /** REF_DROPPED where a rule of the tenant drops the series. */
  readonly ref: SeriesRef;
  /** Both set where `ref` is REF_REFUSED. */
  readonly refusal: string;
  /** What limit refuses, where one does. */
  readonly limit: LimitFacts | undefined;
  readonly reason: RefusalReason | undefined;
  /** True where the same labels will be refused for ever: worth remembering. */
  readonly isFinal: boolean;
  /** A split that the storage does not know yet; belongs into the batch. */
  readonly newSplit: NameSplit | undefined;
}

const UNKNOWN_LIMIT: SeriesRefusal = {
  sentence: "the tenant's limit of series is reached",
  limit: undefined,
};

const DROPPED: Admission = {
  ref: REF_DROPPED,
  refusal: '',
  limit: undefined,
  reason: undefined,
  isFinal: true,
  newSplit: undefined,
};

function refuse(
  { sentence: refusal, limit }: SeriesRefusal,
  reason: RefusalReason,
  { isFinal = true } = {},
): Admission {
  return { ref: REF_REFUSED, refusal, limit, reason, isFinal, newSplit: undefined };
}

/** Resolves pairs to a ref. `known` holds splits of the batch that storage has not seen yet. */
export function admitSeries(
  context: AdmissionContext,
  pairs: readonly string[],
  split: NameSplit | undefined,
  known: ReadonlyMap<string, NameSplit>,
): Admission {
  const { forcedLabels, relabelling } = context;
  const all = forcedLabels.length === 0 ? pairs : [...pairs, ...forcedLabels];
  const labels = labelsFromPairs(all);
  if (relabelling === undefined) return admitLabels(context, labels, split, known);
  const relabelled = relabelling.apply(labels);
  if (relabelled.kind === 'dropped') return DROPPED;
  if (relabelled.kind === 'refused')
    return refuse({ sentence: relabelled.reason, limit: undefined }, 'relabelling');
  // What a token forces no rule takes away.
  const forced =
    forcedLabels.length === 0
      ? relabelled.labels
      : labelsFromPairs([...relabelled.labels, ...forcedLabels]);
  // Under another name a series is no field of its measurement any more.
  const isRenamed = labelValue(forced, METRIC_NAME) !== labelValue(labels, METRIC_NAME);
  return admitLabels(context, forced, isRenamed ? undefined : split, known);
}

function admitLabels(
  context: AdmissionContext,
  given: Labels,
  split: NameSplit | undefined,
  known: ReadonlyMap<string, NameSplit>,
): Admission {
  let labels = given;
  let newSplit: NameSplit | undefined;
  if (split !== undefined) {
    const name = labelValue(labels, METRIC_NAME);
    assert(name === '' || split.name !== '', 'a split without a name');
    const first = known.get(name) ?? context.storage.splitOf(context.tenant, name);
    if (first === undefined) newSplit = name === split.name ? split : { ...split, name };
    else if (first.measurement !== split.measurement || first.field !== split.field)
      labels = labelsFromPairs([...labels, ORIGIN_LABEL, originOf(split)]);
  }
  const refusal = labelRefusal(labels, context.limits);
  if (refusal !== undefined) return refuse(refusal, 'label-limits');
  const ref = context.storage.resolve(context.tenant, labels);
  if (ref === REF_REFUSED) {
    const name = labelValue(labels, METRIC_NAME);
    const of = name === '' ? '' : ` of metric '${shorten(name)}'`;
    const { sentence: why, limit } = context.onSeriesRefused?.(labels) ?? UNKNOWN_LIMIT;
    const sentence = `new series${of} refused: ${why}`;
    return refuse({ sentence, limit }, 'series-limit', { isFinal: false });
  }
  return { ref, refusal: '', limit: undefined, reason: undefined, isFinal: true, newSplit };
}
