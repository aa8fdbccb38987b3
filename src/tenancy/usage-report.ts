// Rows of use added up by what somebody asks for.
import { AppError } from '../model/errors.ts';
import { USAGE_ANSWER_ROWS_MAX } from './limits.ts';
import { USAGE_SUMS } from './usage-rows.ts';
import type { UsageRow } from './usage-rows.ts';

export const USAGE_GROUPS = ['hour', 'tenant', 'token', 'protocol'] as const;
export type UsageGroup = (typeof USAGE_GROUPS)[number];

const HOURS_A_DAY = 24;

/** One line of a report; what it is not grouped by is of the first row and means nothing. */
export class UsageLine {
  readonly first: UsageRow;
  readonly sums = { pointsWritten: 0, pointsRead: 0, queries: 0, queryCost: 0, requests: 0 };
  #hourMs = Number.NaN;
  /** Of the hour that is being added. */
  #series = 0;
  #bytes = 0;
  #seriesMax = 0;
  #bytesMax = 0;
  #seriesHours = 0;
  #byteHours = 0;

  constructor(first: UsageRow) {
    this.first = first;
  }

  /** Rows come in the order of hours. */
  add({ hourMs, values }: UsageRow): void {
    for (const name of USAGE_SUMS) this.sums[name] += values[name] ?? 0;
    if (hourMs !== this.#hourMs) {
      this.#hourMs = hourMs;
      this.#series = 0;
      this.#bytes = 0;
    }
    const { activeSeries = 0, bytesStored = 0 } = values;
    this.#series += activeSeries;
    this.#bytes += bytesStored;
    this.#seriesHours += activeSeries;
    this.#byteHours += bytesStored;
    this.#seriesMax = Math.max(this.#seriesMax, this.#series);
    this.#bytesMax = Math.max(this.#bytesMax, this.#bytes);
  }

  /** Of the hour with the most. */
  get activeSeries(): number {
    return this.#seriesMax;
  }

  get bytesStored(): number {
    return this.#bytesMax;
  }

  get seriesDays(): number {
    return this.#seriesHours / HOURS_A_DAY;
  }

  get byteDays(): number {
    return this.#byteHours / HOURS_A_DAY;
  }
}

/** Sorted by what they are grouped by. Throws AppError where there are too many lines. */
export async function usageReport(
  rows: AsyncIterable<UsageRow>,
  groups: readonly UsageGroup[],
): Promise<readonly UsageLine[]> {
  const lines = new Map<string, UsageLine>();
  for await (const row of rows) {
    const key = groups.map((group) => cell(row, group)).join('\u0000');
    let line = lines.get(key);
    if (line === undefined) {
      if (lines.size === USAGE_ANSWER_ROWS_MAX)
        throw new AppError(
          'invalid',
          'usage-rows',
          `there are more than ${USAGE_ANSWER_ROWS_MAX} rows: ask for less time, for one tenant, ` +
            'or for fewer groups',
        );
      lines.set(key, (line = new UsageLine(row)));
    }
    line.add(row);
  }
  const keys = [...lines.keys()].toSorted();
  return keys.map((key) => lines.get(key)!);
}

function cell({ hourMs, tenant, tokenId, protocol }: UsageRow, group: UsageGroup): string {
  if (group === 'hour') return new Date(hourMs).toISOString();
  if (group === 'tenant') return tenant;
  return group === 'token' ? tokenId : protocol;
}
