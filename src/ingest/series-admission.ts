// From label pairs as a protocol read them to the labels of a series of ours: forced labels,
// limits, and the rule for metric names that two measurement/field splits share. Runs once per new
// row of a dictionary, never per sample.
import { assert } from '../stdx/assert.ts';
import type { NameSplit, SeriesRef } from '../model/columns.ts';
import type { Labels } from '../model/labels.ts';
import { METRIC_NAME, labelValue, labelsFromPairs } from '../model/labels.ts';
import { ORIGIN_LABEL, originOf } from '../model/name-splits.ts';
import { REF_REFUSED } from '../model/storage.ts';
import type { StorageWriter } from '../model/storage.ts';
import type { TenantId } from '../model/tenant.ts';
import { LABEL_COUNT_MAX, LABEL_NAME_BYTES_MAX, LABEL_VALUE_BYTES_MAX } from './limits.ts';

export interface LabelLimits {
  readonly labelCountMax: number;
  readonly labelNameBytesMax: number;
  readonly labelValueBytesMax: number;
}

export const DEFAULT_LABEL_LIMITS: LabelLimits = {
  labelCountMax: LABEL_COUNT_MAX,
  labelNameBytesMax: LABEL_NAME_BYTES_MAX,
  labelValueBytesMax: LABEL_VALUE_BYTES_MAX,
};

/** A UTF-16 unit is at most three bytes of UTF-8, so most texts are never measured. */
function isLongerThan(text: string, limitBytes: number): boolean {
  if (text.length * 3 <= limitBytes) return false;
  return text.length > limitBytes || Buffer.byteLength(text, 'utf8') > limitBytes;
}

function shorten(text: string): string {
  return text.length > 64 ? `${text.slice(0, 64)}…` : text;
}

/** The sentence that refuses these labels, or undefined where they may be stored. */
function labelRefusal(labels: Labels, limits: LabelLimits): string | undefined {
  if (labels.length === 0) return 'a series needs at least one label with a value';
  const name = labelValue(labels, METRIC_NAME);
  const of = name === '' ? '' : ` of metric '${shorten(name)}'`;
  const count = labels.length / 2;
  if (count > limits.labelCountMax)
    return `series${of} has ${count} labels, the limit is ${limits.labelCountMax}`;
  for (let i = 0; i < labels.length; i += 2) {
    const label = labels[i]!;
    const value = labels[i + 1]!;
    const shown = `label '${shorten(label)}'${of}`;
    if (label === '') return `a label${of} has an empty name`;
    if (isLongerThan(label, limits.labelNameBytesMax))
      return `name of ${shown} is longer than ${limits.labelNameBytesMax} bytes`;
    if (isLongerThan(value, limits.labelValueBytesMax))
      return `value of ${shown} is longer than ${limits.labelValueBytesMax} bytes`;
    if (!label.isWellFormed() || !value.isWellFormed()) return `${shown} is not valid Unicode`;
  }
  return undefined;
}

export interface AdmissionContext {
  readonly storage: Pick<StorageWriter, 'resolve' | 'resolveBytes' | 'knows' | 'splitOf'>;
  readonly tenant: TenantId;
  readonly forcedLabels: Labels;
  readonly limits: LabelLimits;
}

export interface Admission {
  readonly ref: SeriesRef;
  /** Set where `ref` is REF_REFUSED. */
  readonly refusal: string;
  /** True where the same labels will be refused for ever: worth remembering. */
  readonly isFinal: boolean;
  /** A split that the storage does not know yet; belongs into the batch. */
  readonly newSplit: NameSplit | undefined;
}

function refuse(refusal: string, isFinal: boolean): Admission {
  return { ref: REF_REFUSED, refusal, isFinal, newSplit: undefined };
}

/** Resolves pairs to a ref. `known` holds splits of the batch that storage has not seen yet. */
export function admitSeries(
  context: AdmissionContext,
  pairs: readonly string[],
  split: NameSplit | undefined,
  known: ReadonlyMap<string, NameSplit>,
): Admission {
  const all = context.forcedLabels.length === 0 ? pairs : [...pairs, ...context.forcedLabels];
  let labels = labelsFromPairs(all);
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
  if (refusal !== undefined) return refuse(refusal, true);
  const ref = context.storage.resolve(context.tenant, labels);
  if (ref === REF_REFUSED) {
    const name = labelValue(labels, METRIC_NAME);
    const of = name === '' ? '' : ` of metric '${shorten(name)}'`;
    return refuse(`new series${of} refused: the tenant's limit of series is reached`, false);
  }
  return { ref, refusal: '', isFinal: true, newSplit };
}
