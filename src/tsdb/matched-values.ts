// What matchers accept of values that do not change, remembered by their texts: a regular
// expression over tens of thousands of values costs more than all the rest of a question, and
// dashboards ask the same again and again.
import type { Matcher } from '../model/matcher.ts';
import { matcherKey } from '../model/matcher.ts';
import { MATCHED_VALUES_REMEMBERED, MATCHERS_REMEMBERED } from './limits.ts';

export class MatchedValues {
  /** Places of values, ascending; the oldest answer first. */
  readonly #found = new Map<string, readonly number[]>();

  get(one: Matcher): readonly number[] | undefined {
    return this.#found.get(matcherKey(one));
  }

  set(one: Matcher, values: readonly number[]): void {
    if (values.length > MATCHED_VALUES_REMEMBERED) return;
    if (this.#found.size === MATCHERS_REMEMBERED) {
      const [oldest] = this.#found.keys();
      this.#found.delete(oldest!);
    }
    this.#found.set(matcherKey(one), values);
  }
}
