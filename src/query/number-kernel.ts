// kernels/numbers.ts for the encoder of this thread, once app/ has said where its compiled module
// is; made by the first large answer. Without it number-text.ts prints the same.
import { PRINTED_SLOTS_MAX } from './limits.ts';

const PAGE_BYTES = 65_536;
/** The first page is the compiler's. */
const CONTROL_AT = PAGE_BYTES;
const DIGITS_AT = CONTROL_AT + 64;
const PAIRS_AT = CONTROL_AT + 256;
const POWERS_AT = CONTROL_AT + 512;
const POWER_MIN = -292;
const POWER_MAX = 324;
/** Bytes of a prefix: its length, then at most 31 of text. */
const PREFIX_BYTES = 32;
const SLOT_BYTES_MAX = 64;
const VALUES_AT = 2 * PAGE_BYTES;
const PRESENT_AT = VALUES_AT + PRINTED_SLOTS_MAX * 8;
const ENDS_AT = PRESENT_AT + PRINTED_SLOTS_MAX;
const OUT_AT = ENDS_AT + PRINTED_SLOTS_MAX * 4;
const PREFIXES_AT = OUT_AT + (PRINTED_SLOTS_MAX + 1) * SLOT_BYTES_MAX;
/** For the times of so many slots; more are taken in turns. */
const PREFIXES_MAX = 16 * PRINTED_SLOTS_MAX;
const PAGES = Math.ceil((PREFIXES_AT + PREFIXES_MAX * PREFIX_BYTES + 64) / PAGE_BYTES);

type PrintSlots = (
  control: number,
  values: number,
  present: number,
  prefixes: number,
  count: number,
  ends: number,
  base: number,
  out: number,
) => number;

interface NumberKernel {
  readonly bytes: Uint8Array;
  readonly values: Float64Array;
  readonly ends: Uint32Array;
  readonly printSlots: PrintSlots;
}

let load: (() => WebAssembly.Module) | undefined;
let kernel: NumberKernel | undefined;
/** Whose times are in the kernel's memory. */
let prefixesOf: StepTexts | undefined;

/** Makes this thread print with the compiled kernels/numbers.ts; undefined: without it. */
export function useNumberKernel(next: (() => WebAssembly.Module) | undefined): void {
  load = next;
  kernel = undefined;
  prefixesOf = undefined;
}

/** What the compiler wants to import; nothing in the kernel calls it. */
function abort(): never {
  throw new Error('the number kernel gave up');
}

function createKernel(module: WebAssembly.Module): NumberKernel {
  const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });
  const { exports } = new WebAssembly.Instance(module, { env: { memory, abort } });
  const { buffer } = memory;
  new Uint32Array(buffer, CONTROL_AT, 3).set([POWERS_AT, PAIRS_AT, DIGITS_AT]);
  const pairs = new Uint8Array(buffer, PAIRS_AT, 200);
  for (let i = 0; i < 100; i++) pairs.set([48 + Math.floor(i / 10), 48 + (i % 10)], i * 2);
  fillPowers(new BigUint64Array(buffer, POWERS_AT, (POWER_MAX - POWER_MIN + 1) * 2));
  return {
    bytes: new Uint8Array(buffer),
    values: new Float64Array(buffer, VALUES_AT, PRINTED_SLOTS_MAX),
    ends: new Uint32Array(buffer, ENDS_AT, PRINTED_SLOTS_MAX),
    // The name and the type are those of kernels/numbers.ts.
    printSlots: exports['printSlots'] as PrintSlots,
  };
}

/** Powers of ten as their upper 128 bits, rounded up; high half, low half. */
function fillPowers(out: BigUint64Array): void {
  const put = (power: number, bits: bigint): void => {
    out[(power - POWER_MIN) * 2] = bits >> 64n;
    out[(power - POWER_MIN) * 2 + 1] = BigInt.asUintN(64, bits);
  };
  let ten = 1n;
  for (let power = 0; power <= POWER_MAX; power++, ten *= 10n) {
    // floor(log2(10^power)), and of its inverse.
    const size = BigInt(Math.floor((power * 1_741_647) / 2 ** 19));
    const over = size - 127n;
    put(power, over <= 0n ? ten << -over : (ten + (1n << over) - 1n) >> over);
    if (-power < POWER_MIN || power === 0) continue;
    const below = BigInt(Math.floor((-power * 1_741_647) / 2 ** 19));
    put(-power, ((1n << (127n - below)) + ten - 1n) / ten);
  }
}

/** The texts of the times of a range's steps, made once whatever the number of series. */
export class StepTexts {
  readonly count: number;
  readonly #text: (slot: number) => string;
  readonly #texts: string[] = [];

  constructor(count: number, text: (slot: number) => string) {
    this.count = count;
    this.#text = text;
  }

  at(slot: number): string {
    return (this.#texts[slot] ??= this.#text(slot));
  }

  /** `[time,"` of each step into the kernel's memory; false where one is too long. */
  writePrefixes(bytes: Uint8Array): boolean {
    for (let slot = 0; slot < this.count; slot++) {
      const text = `[${this.at(slot)},"`;
      if (text.length >= PREFIX_BYTES) return false;
      const at = PREFIXES_AT + slot * PREFIX_BYTES;
      bytes[at] = text.length;
      for (let i = 0; i < text.length; i++) bytes[at + 1 + i] = text.charCodeAt(i);
    }
    return true;
  }
}

/** Does the kernel print slots of these steps? */
export function canPrint(steps: StepTexts): boolean {
  if (load === undefined || steps.count > PREFIXES_MAX) return false;
  kernel ??= createKernel(load());
  if (prefixesOf === steps) return true;
  if (!steps.writePrefixes(kernel.bytes)) return false;
  prefixesOf = steps;
  return true;
}

/** Slots [from, to), at most PRINTED_SLOTS_MAX, of a series. */
export interface PrintedSlots {
  readonly present: Uint8Array;
  readonly values: Float64Array;
  readonly from: number;
  readonly to: number;
}

/**
 * `[time,"value"],` of the slots that hold a float, after `canPrint`; a view that the next call
 * writes over. `ends`: where the text of each slot ends, plus `base`.
 */
export function printSlots(
  { present, values, from, to }: PrintedSlots,
  ends?: Uint32Array,
  base = 0,
): Uint8Array {
  const own = kernel!;
  const isWhole = from === 0 && to === values.length;
  own.values.set(isWhole ? values : values.subarray(from, to));
  own.bytes.set(isWhole ? present : present.subarray(from, to), PRESENT_AT);
  const prefixes = PREFIXES_AT + from * PREFIX_BYTES;
  const count = to - from;
  const end = own.printSlots(
    CONTROL_AT,
    VALUES_AT,
    PRESENT_AT,
    prefixes,
    count,
    ENDS_AT,
    base,
    OUT_AT,
  );
  ends?.set(own.ends.subarray(0, count), from);
  return own.bytes.subarray(OUT_AT, end);
}
