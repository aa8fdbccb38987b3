// What matchers accept of values that do not change, remembered by their texts: a regular
// expression over tens of thousands of values costs more than all the rest of a question, and
// dashboards ask the same again and again.
import type { Matcher } from '../model/matcher.ts';
import { matcherKey } from '../model/matcher.ts';
import {
  LISTS_REMEMBERED,
  LISTS_REMEMBERED_KEY_LENGTH_MAX,
  LISTS_REMEMBERED_SERIES_MAX,
  MATCHED_VALUES_REMEMBERED,
  MATCHERS_REMEMBERED,
} from './limits.ts';

export class MatchedValues {
  /** Places of values, ascending; the oldest answer first. */
  readonly #found = new Map<string, readonly number[]>();
  /** The last answer that was too long to be kept for long. */
  #long: { readonly key: string; readonly values: readonly number[] } | undefined = undefined;

  get(one: Matcher): readonly number[] | undefined {
    const key = matcherKey(one);
    return this.#long?.key === key ? this.#long.values : this.#found.get(key);
  }

  set(one: Matcher, values: readonly number[]): void {
    if (values.length > MATCHED_VALUES_REMEMBERED) {
      this.#long = { key: matcherKey(one), values };
      return;
    }
    if (this.#found.size === MATCHERS_REMEMBERED) {
      const [oldest] = this.#found.keys();
      this.#found.delete(oldest!);
    }
    this.#found.set(matcherKey(one), values);
  }
}

/** Equal for lists of matchers that accept the same in the same order. */
export function matchersKey(matchers: readonly Matcher[]): string {
  let key = '';
  for (const one of matchers) key += `${one.value.length} ${matcherKey(one)}`;
  return key;
}

/** Short lists of series that matchers accept in something that does not change. */
export class MatchedLists {
  /** The oldest first. */
  readonly #found = new Map<string, Uint32Array>();

  get(key: string): Uint32Array | undefined {
    return this.#found.get(key);
  }

  keep(key: string, ordinals: Uint32Array): void {
    const isShort =
      ordinals.length <= LISTS_REMEMBERED_SERIES_MAX &&
      key.length <= LISTS_REMEMBERED_KEY_LENGTH_MAX;
    if (!isShort || this.#found.has(key)) return;
    if (this.#found.size === LISTS_REMEMBERED) {
      const [oldest] = this.#found.keys();
      this.#found.delete(oldest!);
    }
    // Not a view into something larger.
    this.#found.set(key, ordinals.slice());
  }
}
