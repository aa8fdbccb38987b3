// Why rows are refused, as a closed list: for counters and pages. The sentence for the sender is
// another thing; it names the label, the limit or the position.
import type { ScanResult } from '../model/rows.ts';

export const REFUSAL_REASONS = [
  /** The protocol's parser cannot read it, or the protocol refuses the batch for it. */
  'malformed',
  /** Labels of the series: too many, too long, no Unicode. */
  'label-limits',
  /** The tenant's limit of series. */
  'series-limit',
  /** Rules made more of the series than they may. */
  'relabelling',
  /** The token may not write at this time. */
  'time-range',
] as const;
export type RefusalReason = (typeof REFUSAL_REASONS)[number];

export type RefusedRows = ReadonlyMap<RefusalReason, number>;

/**
 * The refused rows of a scan by reason. What the dictionary and the time range refused is counted
 * by them (`known`); the rest is the parser's. A row of many fields may be refused for several.
 */
export function refusedByReason({ errorCount }: ScanResult, known: RefusedRows): RefusedRows {
  const counts = new Map<RefusalReason, number>();
  let rest = errorCount;
  for (const [reason, count] of known) {
    const rows = Math.min(count, rest);
    if (rows > 0) counts.set(reason, (counts.get(reason) ?? 0) + rows);
    rest -= rows;
  }
  if (rest > 0) counts.set('malformed', (counts.get('malformed') ?? 0) + rest);
  return counts;
}
