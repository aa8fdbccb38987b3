// The JSON of a series' values, step by step, kept with its columns: a refresh writes the text of
// new steps only. ASCII alone, so bytes are characters.
import { SLOT_FLOAT } from '../promql/engine/result.ts';
import type { EvalSeries } from '../promql/engine/result.ts';
import { PRINTED_SLOTS_MAX } from './limits.ts';
import { canPrint, printSlots } from './number-kernel.ts';
import type { StepTexts } from './number-kernel.ts';
import { floatText } from './number-text.ts';

/** Slots [from, to) are slots [from - at, to - at) of another series' texts. */
export interface TextSource {
  readonly texts: SlotTexts;
  readonly from: number;
  readonly to: number;
  readonly at: number;
}

const COMMA = ','.charCodeAt(0);

/** A series whose text is made once; it holds floats alone. */
export interface SeriesWithTexts extends EvalSeries {
  readonly texts: SlotTexts;
}

export class SlotTexts {
  #source: TextSource | undefined;
  /** `[time,"value"],` of the filled slots, one behind the other. */
  #bytes: Uint8Array | undefined = undefined;
  /** Where the text of each slot ends. */
  #ends = new Uint32Array(0);
  readonly #onBytes: (sizeBytes: number) => void;

  /** `onBytes` is told once how much memory the text takes. */
  constructor(source: TextSource | undefined, onBytes: (sizeBytes: number) => void) {
    const isMade = source !== undefined && source.texts.#bytes !== undefined;
    this.#source = isMade ? source : undefined;
    this.#onBytes = onBytes;
  }

  /** Text of all filled slots with commas between; not to be written to. */
  bytes(series: EvalSeries, steps: StepTexts): Uint8Array {
    this.#bytes ??= this.#encode(series, steps);
    const { length } = this.#bytes;
    return length > 0 && this.#bytes[length - 1] === COMMA
      ? this.#bytes.subarray(0, length - 1)
      : this.#bytes;
  }

  #encode(series: EvalSeries, steps: StepTexts): Uint8Array {
    const count = series.present.length;
    const ends = new Uint32Array(count);
    const source = this.#source;
    this.#source = undefined;
    const from = source?.from ?? count;
    const to = source?.to ?? count;
    const before = slotBytes(series, steps, { from: 0, to: from, ends, base: 0 });
    const kept = source === undefined ? new Uint8Array(0) : source.texts.#cut(source);
    if (source !== undefined) {
      const { texts, at } = source;
      const shift = before.length - texts.#startOf(from - at);
      for (let slot = from; slot < to; slot++) ends[slot] = texts.#ends[slot - at]! + shift;
    }
    const base = before.length + kept.length;
    const after = slotBytes(series, steps, { from: to, to: count, ends, base });
    // All of it is written.
    const bytes = Buffer.allocUnsafeSlow(base + after.length);
    bytes.set(before, 0);
    bytes.set(kept, before.length);
    bytes.set(after, base);
    this.#ends = ends;
    this.#onBytes(bytes.length + ends.byteLength);
    return bytes;
  }

  #startOf(slot: number): number {
    return slot === 0 ? 0 : this.#ends[slot - 1]!;
  }

  #cut({ from, to, at }: TextSource): Uint8Array {
    return this.#bytes!.subarray(this.#startOf(from - at), this.#startOf(to - at));
  }
}

interface Stretch {
  readonly from: number;
  readonly to: number;
  /** Filled in for the slots of the stretch. */
  readonly ends: Uint32Array;
  /** Length of the text before. */
  readonly base: number;
}

function slotBytes(series: EvalSeries, steps: StepTexts, stretch: Stretch): Uint8Array {
  const { from, to, ends, base } = stretch;
  if (from === to) return NOTHING;
  if (!canPrint(steps)) return Buffer.from(slotText(series, steps, stretch), 'latin1');
  const pieces: Uint8Array[] = [];
  let at = base;
  for (let start = from; start < to; start += PRINTED_SLOTS_MAX) {
    const end = Math.min(to, start + PRINTED_SLOTS_MAX);
    const { present, values } = series;
    const bytes = printSlots({ present, values, from: start, to: end }, ends, at).slice();
    pieces.push(bytes);
    at += bytes.length;
  }
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
}

const NOTHING = new Uint8Array(0);

function slotText(
  { present, values }: EvalSeries,
  steps: StepTexts,
  { from, to, ends, base }: Stretch,
): string {
  let text = '';
  for (let slot = from; slot < to; slot++) {
    if (present[slot] === SLOT_FLOAT) text += `[${steps.at(slot)},"${floatText(values[slot]!)}"],`;
    ends[slot] = base + text.length;
  }
  return text;
}
