// What was made of a text, for whoever comes with the same one: dashboards ask the same again and
// again. As many texts as are wanted, none of which is long; the oldest goes first. What is kept is
// everybody's, so nobody may change it.

export interface RememberedBounds {
  readonly countMax: number;
  /** Characters; what was made of a longer text is not kept. */
  readonly lengthMax: number;
}

export class Remembered<T> {
  readonly #bounds: RememberedBounds;
  /** The oldest first. */
  readonly #byText = new Map<string, T>();

  constructor(bounds: RememberedBounds) {
    this.#bounds = bounds;
  }

  get(text: string): T | undefined {
    return this.#byText.get(text);
  }

  keep(text: string, value: T): void {
    const { countMax, lengthMax } = this.#bounds;
    if (text.length > lengthMax) return;
    if (this.#byText.size === countMax && !this.#byText.has(text)) {
      const [oldest] = this.#byText.keys();
      this.#byText.delete(oldest!);
    }
    this.#byText.set(text, value);
  }
}
