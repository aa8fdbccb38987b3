// Aggregation over series, slot by slot, in a fixed order. A GroupSlots is the state of one group
// for all steps; partial states of chunks of series are merged in chunk order, so that the same
// series give the same bits however the work was shared. Source of semantics: Prometheus
// promql/engine.go, aggregation.
import type { Histogram } from '../model/histogram.ts';
import type { LeafAggregation } from '../model/storage.ts';
import type { Note } from './float-kernels.ts';
import { HistogramGroup } from './histogram-group.ts';
import { quotientOf, roundingOf } from './compensated.ts';
import { SLOT_EMPTY, SLOT_HISTOGRAM } from './step-column.ts';
import type { StepColumn } from './step-column.ts';
import { addExtremesByKernel, addSumsByKernel, mergeSumsByKernel } from './window-kernel.ts';

/** Sums of averages are also kept at this scale, which no sum of doubles overflows. */
const SAFE_SCALE = 2 ** -64;

/** One series' input: slots by step, as in StepColumn. */
export interface SlotColumn {
  readonly present: Uint8Array;
  readonly values: Float64Array;
  readonly histograms: readonly (Histogram | undefined)[] | undefined;
}

/** State of one group: parallel arrays by step, only those which the aggregation needs. */
export interface GroupSlots {
  readonly aggregation: LeafAggregation;
  readonly floatCounts: Uint32Array;
  /** Sum, minimum, maximum or mean; empty where the counts say it all. */
  readonly main: Float64Array;
  /** Error of the sum, or squared deviations; as long as `main`, but empty for min and max. */
  readonly extra: Float64Array;
  /** Sum at SAFE_SCALE; avg only. */
  readonly scaled: Float64Array | undefined;
  /** From the first histogram on. */
  histogramCounts: Uint32Array | undefined;
  histograms: (HistogramGroup | undefined)[] | undefined;
}

/** Doubles that the state keeps per step. */
const DOUBLES: Readonly<Record<LeafAggregation, number>> = {
  count: 0,
  group: 0,
  min: 1,
  max: 1,
  sum: 2,
  stddev: 2,
  stdvar: 2,
  avg: 3,
};

/** Bytes of a state without histograms; a multiple of 8. */
export function groupSlotsBytes(aggregation: LeafAggregation, count: number): number {
  return DOUBLES[aggregation] * count * 8 + Math.ceil(count / 2) * 8;
}

/** An empty state in zeroed memory, or what a state without histograms left there. */
export function groupSlotsIn(
  buffer: ArrayBuffer,
  start: number,
  aggregation: LeafAggregation,
  count: number,
): GroupSlots {
  const doubles = DOUBLES[aggregation];
  const column = (number: number): Float64Array =>
    new Float64Array(buffer, start + number * count * 8, number < doubles ? count : 0);
  return {
    aggregation,
    floatCounts: new Uint32Array(buffer, start + doubles * count * 8, count),
    main: column(0),
    extra: doubles > 1 ? column(1) : column(doubles),
    scaled: doubles > 2 ? column(2) : undefined,
    histogramCounts: undefined,
    histograms: undefined,
  };
}

export function newGroupSlots(aggregation: LeafAggregation, count: number): GroupSlots {
  const buffer = new ArrayBuffer(groupSlotsBytes(aggregation, count));
  return groupSlotsIn(buffer, 0, aggregation, count);
}

/** Adds one series to its group. */
export function addColumn(slots: GroupSlots, column: SlotColumn, note: Note): void {
  const { present, values } = column;
  const { aggregation } = slots;
  if (column.histograms === undefined) {
    if (aggregation === 'sum') return addSums(slots, column);
    if (aggregation === 'max' || aggregation === 'min')
      return addExtremes(slots, column, aggregation === 'max' ? 1 : -1);
  }
  const count = present.length;
  for (let k = 0; k < count; k++) {
    if (present[k] === SLOT_EMPTY) continue;
    if (present[k] === SLOT_HISTOGRAM) addHistogram(slots, k, column.histograms![k]!, note);
    else addFloat(slots, k, values[k]!);
  }
}

/** What `addFloat` does with each slot; one loop knows what it adds up. */
function addSums(slots: GroupSlots, column: SlotColumn): void {
  if (addSumsByKernel(slots, column)) return;
  const { floatCounts, main, extra } = slots;
  const { present, values } = column;
  for (let k = 0; k < present.length; k++) {
    if (present[k] === SLOT_EMPTY) continue;
    floatCounts[k]!++;
    const value = values[k]!;
    const sum = main[k]!;
    const total = sum + value;
    main[k] = total;
    if (total === Number.POSITIVE_INFINITY || total === Number.NEGATIVE_INFINITY) extra[k] = 0;
    else if (Math.abs(sum) >= Math.abs(value)) extra[k]! += sum - total + value;
    else extra[k]! += value - total + sum;
  }
}

function addExtremes(slots: GroupSlots, column: SlotColumn, sign: 1 | -1): void {
  if (addExtremesByKernel(slots, column, sign === 1)) return;
  const { floatCounts, main } = slots;
  const { present, values } = column;
  for (let k = 0; k < present.length; k++) {
    if (present[k] === SLOT_EMPTY) continue;
    const value = values[k]!;
    const best = main[k]!;
    if (value * sign > best * sign || floatCounts[k] === 0 || Number.isNaN(best)) main[k] = value;
    floatCounts[k]!++;
  }
}

export function addFloat(slots: GroupSlots, k: number, value: number): void {
  const { aggregation, floatCounts } = slots;
  const seen = floatCounts[k]!;
  floatCounts[k] = seen + 1;
  switch (aggregation) {
    case 'sum':
      addCompensated(slots.main, slots.extra, k, value);
      break;
    case 'avg':
      addCompensated(slots.main, slots.extra, k, value);
      slots.scaled![k]! += value * SAFE_SCALE;
      break;
    case 'min':
    case 'max':
      keepExtreme(slots, k, value, seen);
      break;
    case 'stddev':
    case 'stdvar': {
      const delta = value - slots.main[k]!;
      slots.main[k]! += delta / (seen + 1);
      slots.extra[k]! += delta * (value - slots.main[k]!);
      break;
    }
    case 'count':
    case 'group':
      break;
  }
}

function keepExtreme(slots: GroupSlots, k: number, value: number, seen: number): void {
  const best = slots.main[k]!;
  const isBetter = slots.aggregation === 'max' ? value > best : value < best;
  if (seen === 0 || isBetter || Number.isNaN(best)) slots.main[k] = value;
}

export function addHistogram(slots: GroupSlots, k: number, value: Histogram, note: Note): void {
  const { aggregation } = slots;
  switch (aggregation) {
    case 'count':
    case 'group':
      countHistograms(slots, k, 1);
      return;
    case 'sum':
    case 'avg':
      countHistograms(slots, k, 1);
      histogramGroup(slots, k).add(value);
      return;
    default:
      note('info', `aggregation-histogram-ignored-${aggregation}`);
  }
}

function countHistograms(slots: GroupSlots, k: number, count: number): void {
  slots.histogramCounts ??= new Uint32Array(slots.floatCounts.length);
  slots.histogramCounts[k]! += count;
}

function histogramGroup(slots: GroupSlots, k: number): HistogramGroup {
  slots.histograms ??= emptyHistograms(slots);
  slots.histograms[k] ??= new HistogramGroup(slots.aggregation === 'avg');
  return slots.histograms[k];
}

function emptyHistograms({ floatCounts }: GroupSlots): (HistogramGroup | undefined)[] {
  return Array.from<HistogramGroup | undefined>({ length: floatCounts.length });
}

/** Merges the state of a later chunk into that of the earlier ones. */
export function mergeGroupSlots(into: GroupSlots, from: GroupSlots): void {
  if (into.aggregation === 'sum' && from.histogramCounts === undefined) mergeSums(into, from);
  else for (let k = 0; k < into.floatCounts.length; k++) mergeSlot(into, from, k);
}

/** What `mergeSlot` does with each slot of sums. */
function mergeSums(into: GroupSlots, from: GroupSlots): void {
  if (mergeSumsByKernel(into, from)) return;
  const { floatCounts, main, extra } = into;
  const { floatCounts: addedCounts, main: addedMain, extra: addedExtra } = from;
  for (let k = 0; k < main.length; k++) {
    if (addedCounts[k] === 0) continue;
    floatCounts[k]! += addedCounts[k]!;
    const value = addedMain[k]!;
    const sum = main[k]!;
    const total = sum + value;
    main[k] = total;
    if (total === Number.POSITIVE_INFINITY || total === Number.NEGATIVE_INFINITY) extra[k] = 0;
    else {
      const lost = Math.abs(sum) >= Math.abs(value) ? sum - total + value : value - total + sum;
      // In this order: what was lost here, then what was lost before.
      extra[k]! += lost;
      if (!Number.isNaN(total)) extra[k]! += addedExtra[k]!;
    }
  }
}

/** Empties a state without histograms; false where it has any. */
export function clearGroupSlots(slots: GroupSlots): boolean {
  if (slots.histogramCounts !== undefined) return false;
  slots.floatCounts.fill(0);
  slots.main.fill(0);
  slots.extra.fill(0);
  slots.scaled?.fill(0);
  return true;
}

/** The same for one slot. */
export function mergeSlot(into: GroupSlots, from: GroupSlots, k: number): void {
  const { aggregation, main, extra } = into;
  const histograms = from.histogramCounts?.[k] ?? 0;
  if (histograms > 0) countHistograms(into, k, histograms);
  const others = from.histograms?.[k];
  if (others !== undefined) histogramGroup(into, k).merge(others);
  const added = from.floatCounts[k]!;
  if (added === 0) return;
  const seen = into.floatCounts[k]!;
  into.floatCounts[k] = seen + added;
  if (aggregation === 'sum' || aggregation === 'avg') {
    addCompensated(main, extra, k, from.main[k]!);
    if (Number.isFinite(main[k]!)) extra[k]! += from.extra[k]!;
    if (into.scaled !== undefined) into.scaled[k]! += from.scaled![k]!;
  } else if (aggregation === 'min' || aggregation === 'max')
    keepExtreme(into, k, from.main[k]!, seen);
  else if (aggregation === 'stddev' || aggregation === 'stdvar')
    mergeDeviations(into, from, k, seen);
}

/** Empties slot k. */
export function clearSlot(slots: GroupSlots, k: number): void {
  slots.floatCounts[k] = 0;
  if (slots.main.length > 0) slots.main[k] = 0;
  if (slots.extra.length > 0) slots.extra[k] = 0;
  if (slots.scaled !== undefined) slots.scaled[k] = 0;
  if (slots.histogramCounts !== undefined) slots.histogramCounts[k] = 0;
  if (slots.histograms !== undefined) slots.histograms[k] = undefined;
}

/** The same state with room for more slots. */
export function longerSlots(slots: GroupSlots, count: number): GroupSlots {
  const longer = newGroupSlots(slots.aggregation, count);
  longer.floatCounts.set(slots.floatCounts);
  longer.main.set(slots.main);
  longer.extra.set(slots.extra);
  longer.scaled?.set(slots.scaled!);
  if (slots.histogramCounts !== undefined) {
    longer.histogramCounts = new Uint32Array(count);
    longer.histogramCounts.set(slots.histogramCounts);
  }
  if (slots.histograms !== undefined) {
    longer.histograms = emptyHistograms(longer);
    for (const [k, group] of slots.histograms.entries()) longer.histograms[k] = group;
  }
  return longer;
}

function mergeDeviations(into: GroupSlots, from: GroupSlots, k: number, seen: number): void {
  const added = from.floatCounts[k]!;
  const delta = from.main[k]! - into.main[k]!;
  if (seen === 0) {
    into.main[k] = from.main[k]!;
    into.extra[k] = from.extra[k]!;
    return;
  }
  into.main[k]! += (delta * added) / (seen + added);
  into.extra[k]! += from.extra[k]! + (delta * delta * seen * added) / (seen + added);
}

function addCompensated(sums: Float64Array, errors: Float64Array, k: number, value: number): void {
  const sum = sums[k]!;
  const total = sum + value;
  if (total === Number.POSITIVE_INFINITY || total === Number.NEGATIVE_INFINITY) errors[k] = 0;
  else if (Math.abs(sum) >= Math.abs(value)) errors[k]! += sum - total + value;
  else errors[k]! += value - total + sum;
  sums[k] = total;
}

/** Writes the group's result into an empty column. */
export function finishGroup(slots: GroupSlots, out: StepColumn, note: Note): void {
  const { aggregation, floatCounts, histogramCounts, main, extra } = slots;
  for (let k = 0; k < out.count; k++) {
    const floats = floatCounts[k]!;
    const histograms = histogramCounts?.[k] ?? 0;
    if (floats + histograms === 0) continue;
    switch (aggregation) {
      case 'count':
        out.setFloat(k, floats + histograms);
        break;
      case 'group':
        out.setFloat(k, 1);
        break;
      case 'sum':
      case 'avg':
        if (floats > 0 && histograms > 0) note('warning', 'aggregation-mixed-floats-histograms');
        else if (floats > 0) out.setFloat(k, finishSum(slots, k, note));
        else finishHistogram(slots, k, out, note);
        break;
      case 'stddev':
        out.setFloat(k, Math.sqrt(deviation(extra[k]!, main[k]!, floats)));
        break;
      case 'stdvar':
        out.setFloat(k, deviation(extra[k]!, main[k]!, floats));
        break;
      default:
        out.setFloat(k, main[k]!);
    }
  }
}

function finishHistogram(slots: GroupSlots, k: number, out: StepColumn, note: Note): void {
  const result = slots.histograms![k]!.finish(note, 'aggregation-');
  if (result !== undefined) out.setHistogram(k, result);
}

function deviation(squares: number, mean: number, count: number): number {
  return Number.isFinite(mean) ? squares / count : Number.NaN;
}

/**
 * Code of a note that is about no data: the last bit of a sum could be another one if the same
 * series had been added in other chunks. Whoever keeps results for later does not keep this one.
 */
export const UNSURE_SUM = 'unsure-sum';

function finishSum(slots: GroupSlots, k: number, note: Note): number {
  const sum = slots.main[k]!;
  const error = slots.extra[k]!;
  const count = slots.floatCounts[k]!;
  const isMean = slots.aggregation === 'avg';
  if (!Number.isFinite(sum)) {
    if (!Number.isNaN(sum)) note('info', UNSURE_SUM);
    return isMean ? slots.scaled![k]! / count / SAFE_SCALE : sum;
  }
  if (!isMean) return roundedSum(sum, error, count, note);
  const { quotient, rest } = quotientOf(sum, error, count);
  return roundedSum(quotient, rest, count, note);
}

/** In a tie nothing was lost: a loss does not leave the middle between two doubles to the bit. */
function roundedSum(sum: number, error: number, count: number, note: Note): number {
  if (roundingOf(sum, error, count) === 'near') note('info', UNSURE_SUM);
  return sum + error;
}
