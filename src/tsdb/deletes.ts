// Deletes in force. A delete hides what lies below its own log offset: of a part all of it where
// offset >= seqMax, of a head generation what was applied before it. Lists of deletes are immutable
// and replaced as a whole, so a pin that holds one keeps its view.
import { matchesAll } from '../model/matcher.ts';
import type { Matcher } from '../model/matcher.ts';
import type { Labels } from '../model/labels.ts';
import type { TenantId } from '../model/tenant.ts';
import type { TimeRange } from './samples.ts';

export interface Delete extends TimeRange {
  readonly offset: number;
  readonly tenant: TenantId;
  readonly matchers: readonly Matcher[];
  /** What was applied up to this moment is below it; 0 from the catalog. */
  readonly moment: number;
}

/** Does it take all of its tenant? Then what has no time goes too: metadata, attributes, splits. */
export function isOfAll({
  matchers,
  startUs,
  endUs,
}: Pick<Delete, 'matchers' | 'startUs' | 'endUs'>): boolean {
  const isEver = startUs === Number.NEGATIVE_INFINITY && endUs === Number.POSITIVE_INFINITY;
  return matchers.length === 0 && isEver;
}

/** Deletes of a tenant at or above `offset` that touch the range. */
export function deletesFrom(
  deletes: readonly Delete[],
  tenant: TenantId,
  offset: number,
  range: TimeRange,
): Delete[] {
  return deletes.filter(
    (one) =>
      one.offset >= offset &&
      one.tenant === tenant &&
      one.startUs <= range.endUs &&
      one.endUs >= range.startUs,
  );
}

/** Those that hit a series. */
export function deletesOf(deletes: readonly Delete[], labels: Labels): Delete[] {
  return deletes.filter((one) => matchesAll(one.matchers, labels));
}
