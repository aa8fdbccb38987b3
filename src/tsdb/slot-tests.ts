// Matchers against rows of the index, slot by slot in the order of memory: what a question over
// many series uses that does not need them in label order. No list is made and nothing is sorted.
import type { Matcher } from '../model/matcher.ts';
import { countIn, pairIn, wholeOf } from './row-words.ts';
import type { IndexTables } from './tenant-series.ts';

const UNKNOWN = 0;
const YES = 1;
const NO = 2;

/** Verdicts of so few pairs lie one behind the other: a memory of its own costs a microsecond. */
const SMALL_BYTES = 1024;
const SMALLS_BYTES = 16 * 1024;
/** Places are given out once, and freed with all that lie beside them. */
let smalls = new Uint8Array(0);
let smallEnd = 0;

interface SlotTest {
  readonly one: Matcher;
  /** -1: no series has the label. */
  readonly name: number;
  readonly ifAbsent: boolean;
  /** Where its verdicts begin. */
  verdictsAt: number;
  guess: number;
  /** Whole row (row-words.ts) whose pair at `guess` was accepted last; -1: none. */
  accepted: number;
}

export class SlotTests {
  readonly #tables: IndexTables;
  readonly #tests: readonly SlotTest[];
  /** Test by test, by pair; made for the first row: tests of deletes may never see one. */
  #verdicts: Uint8Array | undefined = undefined;
  /** Pairs that have verdicts. */
  #pairsEnd = 0;
  /** Where the whole rows are that were accepted: rows may move to others. */
  #words: Uint16Array | undefined;
  /** No series can match. */
  readonly isImpossible: boolean;

  constructor(tables: IndexTables, matchers: readonly Matcher[]) {
    this.#tables = tables;
    const { symbols } = tables;
    let isImpossible = false;
    const tests: SlotTest[] = [];
    for (const one of matchers) {
      const name = symbols.find(one.name);
      const ifAbsent = one.matches('');
      if (name < 0) {
        if (!ifAbsent) isImpossible = true;
        continue;
      }
      tests.push({ one, name, ifAbsent, verdictsAt: 0, guess: 0, accepted: -1 });
    }
    this.#tests = tests;
    this.isImpossible = isImpossible;
  }

  /** Do all matchers accept a live row? */
  accepts(slot: number): boolean {
    const { rows, pairs } = this.#tables;
    const { words, starts } = rows.columns;
    if (words !== this.#words) this.#start(words);
    const start = starts[slot]!;
    for (let i = 0; i < this.#tests.length; i++) {
      const test = this.#tests[i]!;
      const { name, guess } = test;
      const whole = wholeOf(words, start, guess);
      if (whole >= 0 && whole === test.accepted) continue;
      const count = countIn(words, start);
      // A pair with a verdict has the label's name.
      if (guess < count && this.#verdict(test, pairIn(words, start, guess)) === YES) {
        test.accepted = whole;
        continue;
      }
      test.accepted = -1;
      let found = guess < count && pairs.nameOf(pairIn(words, start, guess)) === name ? guess : -1;
      for (let k = 0; found < 0 && k < count; k++)
        if (pairs.nameOf(pairIn(words, start, k)) === name) found = k;
      if (found < 0) {
        if (!test.ifAbsent) return false;
        continue;
      }
      test.guess = found;
      const pair = pairIn(words, start, found);
      const verdict = this.#verdict(test, pair);
      if (verdict === NO || (verdict !== YES && !this.#ask(test, pair))) return false;
    }
    return true;
  }

  /** Before the first row, and where rows have moved. */
  #start(words: Uint16Array): void {
    this.#words = words;
    for (const test of this.#tests) test.accepted = -1;
    if (this.#verdicts !== undefined) return;
    this.#pairsEnd = this.#tables.pairs.end;
    const { bytes, at } = takeZeros(this.#tests.length * this.#pairsEnd);
    this.#verdicts = bytes;
    for (const [i, test] of this.#tests.entries()) test.verdictsAt = at + i * this.#pairsEnd;
  }

  /** Pairs that came later than the table are asked each time. */
  #verdict(test: SlotTest, pair: number): number {
    return pair < this.#pairsEnd ? this.#verdicts![test.verdictsAt + pair]! : UNKNOWN;
  }

  #ask(test: SlotTest, pair: number): boolean {
    const { symbols, pairs } = this.#tables;
    const isAccepted = test.one.matches(symbols.text(pairs.valueOf(pair)));
    if (pair < this.#pairsEnd) this.#verdicts![test.verdictsAt + pair] = isAccepted ? YES : NO;
    return isAccepted;
  }
}

function takeZeros(size: number): { readonly bytes: Uint8Array; readonly at: number } {
  if (size > SMALL_BYTES) return { bytes: new Uint8Array(size), at: 0 };
  if (smallEnd + size > smalls.length) {
    smalls = new Uint8Array(SMALLS_BYTES);
    smallEnd = 0;
  }
  const at = smallEnd;
  smallEnd += size;
  return { bytes: smalls, at };
}
