// Which series of the head deletes may hide something of, told by their rows: a delete of a few
// series shall not cost all others the way that reads them fast.
import type { SeriesRef } from '../model/columns.ts';
import type { Delete } from './deletes.ts';
import { HIDDEN_VERDICTS_MAX_BYTES } from './limits.ts';
import { slotOf } from './refs.ts';
import { SlotTests } from './slot-tests.ts';
import type { IndexTables } from './tenant-series.ts';

export class HiddenSeries {
  readonly #tests: readonly SlotTests[];
  /** There are too many deletes or pairs to keep verdicts of: any series may be hidden. */
  readonly #isAny: boolean;

  constructor(tables: IndexTables, deletes: readonly Delete[]) {
    const some = [...new Set(deletes)];
    let verdictBytes = 0;
    for (const { matchers } of some) verdictBytes += matchers.length * tables.pairs.end;
    this.#isAny = verdictBytes > HIDDEN_VERDICTS_MAX_BYTES;
    this.#tests = this.#isAny ? [] : some.map(({ matchers }) => new SlotTests(tables, matchers));
  }

  /** May a delete hide samples of a live series? */
  has(ref: SeriesRef): boolean {
    if (this.#isAny) return true;
    if (this.#tests.length === 0) return false;
    const slot = slotOf(ref);
    return this.#tests.some((tests) => tests.accepts(slot));
  }
}
