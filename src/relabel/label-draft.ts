// The labels of one series while rules change them. Rules that look at every label see them in the
// order in which Prometheus' labels.Builder has them: those that came, then those that were set;
// the order decides where two of them are mapped to one name.
import type { Labels } from '../model/labels.ts';
import { labelsFromPairs } from '../model/labels.ts';

export class LabelDraft {
  readonly #base = new Map<string, string>();
  readonly #added = new Map<string, string>();

  constructor(labels: Labels) {
    for (let i = 0; i < labels.length; i += 2) this.#base.set(labels[i]!, labels[i + 1]!);
  }

  get count(): number {
    return this.#base.size + this.#added.size;
  }

  /** '' where there is none. */
  get(name: string): string {
    return this.#added.get(name) ?? this.#base.get(name) ?? '';
  }

  /** '' removes. */
  set(name: string, value: string): void {
    this.#base.delete(name);
    if (value === '') this.#added.delete(name);
    else this.#added.set(name, value);
  }

  /** As they are now; changes meanwhile do not show. */
  entries(): readonly (readonly [name: string, value: string])[] {
    return [...this.#base, ...this.#added];
  }

  labels(): Labels {
    return labelsFromPairs(this.entries().flat());
  }
}
