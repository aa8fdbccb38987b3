// Resources and scopes by number, so that the identity of a metric holds eight bytes for them
// instead of all their attributes. A number never stands for other bytes, whatever is forgotten:
// what a dictionary remembers under it stays right.
import type { RowDictionary } from '../../model/rows.ts';
import { REMEMBERED_SCOPES_LENGTH_MAX, REMEMBERED_SCOPE_LENGTH_MAX } from '../limits.ts';

export class ScopeNumbers {
  #numbers = new Map<string, number>();
  #length = 0;
  #next = 0;

  /** The number of these bytes, one a character. */
  numberOf(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    const number = this.#next++;
    if (text.length > REMEMBERED_SCOPE_LENGTH_MAX) return number;
    if (this.#length + text.length > REMEMBERED_SCOPES_LENGTH_MAX) {
      this.#numbers.clear();
      this.#length = 0;
    }
    this.#length += text.length + ENTRY_LENGTH;
    this.#numbers.set(text, number);
    return number;
  }
}

/** What an entry takes beside its text. */
const ENTRY_LENGTH = 64;

const numbersOf = new WeakMap<RowDictionary, ScopeNumbers>();

/** Those of a dictionary, which live as long as it. */
export function scopeNumbers(dictionary: RowDictionary): ScopeNumbers {
  let numbers = numbersOf.get(dictionary);
  if (numbers === undefined) numbersOf.set(dictionary, (numbers = new ScopeNumbers()));
  return numbers;
}
