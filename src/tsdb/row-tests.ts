// What matchers say of row groups of a part: of most groups one thing, because rows that follow
// each other in label order share most values. For questions about so many series that a list of
// them would cost more than to walk the groups.
import type { RowGroup } from './part-rows.ts';

/** What a matcher asks of one label: series with one of the values, or all but those. */
export interface Wanted {
  readonly label: number;
  readonly ranks: readonly number[];
  readonly isExcluded: boolean;
  /** Series that have one of the values. */
  readonly seriesCount: number;
}

export const VERDICT = { none: 0, all: 1, some: 2 } as const;
type Verdict = (typeof VERDICT)[keyof typeof VERDICT];

interface Test {
  readonly label: number;
  /** Rank + 1 of the values; 0 is no value. */
  readonly ranks: ReadonlySet<number>;
  readonly isExcluded: boolean;
}

export class RowTests {
  /** No matcher leaves more series than this. */
  readonly seriesCountMax: number;
  readonly #tests: readonly Test[];

  constructor(wanted: readonly Wanted[], seriesCount: number) {
    const counts = wanted.map((one) =>
      one.isExcluded ? seriesCount - one.seriesCount : one.seriesCount,
    );
    this.seriesCountMax = Math.min(seriesCount, ...counts);
    this.#tests = wanted.map(({ label, ranks, isExcluded }) => {
      return { label, isExcluded, ranks: new Set(ranks.map((rank) => rank + 1)) };
    });
  }

  /** Which rows of the group are accepted. */
  of(group: RowGroup): Verdict {
    let verdict: Verdict = VERDICT.all;
    for (const { label, ranks, isExcluded } of this.#tests) {
      const place = group.labels.indexOf(label);
      const rank = place < 0 ? 0 : group.commonRank(place);
      if (rank < 0) verdict = VERDICT.some;
      else if (ranks.has(rank) === isExcluded) return VERDICT.none;
    }
    return verdict;
  }

  /** Is a row accepted? */
  accepts(group: RowGroup, row: number): boolean {
    for (const { label, ranks, isExcluded } of this.#tests) {
      const place = group.labels.indexOf(label);
      const rank = place < 0 ? 0 : group.ranks(place)[row]!;
      if (ranks.has(rank) === isExcluded) return false;
    }
    return true;
  }
}
