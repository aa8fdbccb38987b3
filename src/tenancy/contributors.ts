// Who took most of something lately, by name, for refusals to say. Amounts fade: each minute they
// count half. Bounded; whoever took least goes first.
import { CONTRIBUTORS_KEPT, CONTRIBUTORS_TOLD } from './limits.ts';

const MINUTE_MS = 60_000;
/** After so many halves nothing is left. */
const HALVES_MAX = 60;

export class Contributors {
  readonly #amounts = new Map<string, number>();
  #minute = 0;

  add(who: string, amount: number, nowMs: number): void {
    const minute = Math.floor(nowMs / MINUTE_MS);
    if (minute > this.#minute) this.#fade(minute);
    this.#amounts.set(who, Math.max(0, (this.#amounts.get(who) ?? 0) + amount));
    if (this.#amounts.size > CONTRIBUTORS_KEPT) this.#amounts.delete(this.#ranked().at(-1)![0]);
  }

  #fade(minute: number): void {
    const share = 2 ** -Math.min(minute - this.#minute, HALVES_MAX);
    this.#minute = minute;
    for (const [who, amount] of this.#amounts)
      if (amount * share < 1) this.#amounts.delete(who);
      else this.#amounts.set(who, amount * share);
  }

  /** Those who took most, the most first. */
  top(): readonly string[] {
    return this.#ranked()
      .filter(([, amount]) => amount > 0)
      .slice(0, CONTRIBUTORS_TOLD)
      .map(([who]) => who);
  }

  #ranked(): [string, number][] {
    return [...this.#amounts].toSorted(([, a], [, b]) => b - a);
  }
}
