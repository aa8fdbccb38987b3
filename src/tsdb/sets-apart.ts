// Have column sets of a batch no series in common? Then the order of rows between them means
// nothing, and each goes in as a whole. Series are told by their slots: two lives of one slot count
// as the same, which is the safe side. Scratch is shared and clear between calls.
import { slotOf } from './refs.ts';

let marks = new Uint32Array(1024);

/** O(series numbers of all sets), a few ns each. `counts[k]` of `sets[k]` are looked at. */
export function areApart(sets: readonly Uint32Array[], counts: readonly number[]): boolean {
  const last = sets.length - 1;
  let apart = true;
  let marked = 0;
  for (; apart && marked < last; marked++) {
    mark(sets[marked]!, counts[marked]!);
    apart = !isAnyMarked(sets[marked + 1]!, counts[marked + 1]!);
  }
  for (let k = 0; k < marked; k++) unmark(sets[k]!, counts[k]!);
  return apart;
}

function mark(refs: Uint32Array, count: number): void {
  for (let i = 0; i < count; i++) {
    const slot = slotOf(refs[i]!);
    const word = slot >>> 5;
    if (word >= marks.length) {
      const longer = new Uint32Array(2 ** (32 - Math.clz32(word)));
      longer.set(marks);
      marks = longer;
    }
    marks[word]! |= 1 << (slot & 31);
  }
}

function isAnyMarked(refs: Uint32Array, count: number): boolean {
  const { length } = marks;
  for (let i = 0; i < count; i++) {
    const slot = slotOf(refs[i]!);
    const word = slot >>> 5;
    if (word < length && ((marks[word]! >>> (slot & 31)) & 1) !== 0) return true;
  }
  return false;
}

function unmark(refs: Uint32Array, count: number): void {
  for (let i = 0; i < count; i++) marks[slotOf(refs[i]!) >>> 5] = 0;
}
