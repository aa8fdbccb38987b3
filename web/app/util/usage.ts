/** Rows of use as columns by the hour, and as sums by who and how. */
import type { UsageRow } from '../api/usage.ts';
import { styleSeries } from './colour.ts';
import { toChartSeries, toGridSeries, gridTimes, type ChartData, type Grid } from './series.ts';

export type UsageField = Exclude<keyof UsageRow, 'hour' | 'token' | 'protocol'>;

export const HOUR_SEC = 3600;
const STORED = 'storage';

/** Whole hours up to and with the one that runs. */
export function hoursGrid(nowSec: number, days: number): Grid {
  const endSec = Math.floor(nowSec / HOUR_SEC) * HOUR_SEC;
  return { startSec: endSec - days * 24 * HOUR_SEC, endSec, stepSec: HOUR_SEC };
}

/** A line a protocol; an hour without a row is 0, for nobody used anything. */
export function usedByHour(rows: readonly UsageRow[], field: UsageField, grid: Grid): ChartData {
  const sums = new Map<string, Map<number, number>>();
  for (const row of rows) {
    if (row.protocol === STORED || row[field] === 0) continue;
    let ofProtocol = sums.get(row.protocol);
    if (ofProtocol === undefined) sums.set(row.protocol, (ofProtocol = new Map()));
    const sec = Date.parse(row.hour) / 1000;
    ofProtocol.set(sec, (ofProtocol.get(sec) ?? 0) + row[field]);
  }
  const times = gridTimes(grid);
  const lines = [...sums].map(([protocol, ofProtocol]) => ({
    metric: { protocol },
    values: Float64Array.from(times, (sec) => ofProtocol.get(sec) ?? 0),
  }));
  const styles = styleSeries(lines.map(({ metric }) => metric.protocol));
  const series = toChartSeries(lines).map((entry, i) => ({
    ...entry,
    name: lines[i]?.metric.protocol ?? '',
    style: styles[i] ?? entry.style,
  }));
  return { times, series };
}

/** What the tenant kept; an hour in which nobody looked is a gap. */
export function keptByHour(
  rows: readonly UsageRow[],
  field: 'active_series' | 'bytes_stored',
  grid: Grid,
): ChartData {
  const values = rows
    .filter(({ protocol }) => protocol === STORED)
    .map((row) => [Date.parse(row.hour) / 1000, String(row[field])] as const);
  const line = toGridSeries({ metric: {}, values }, grid);
  const times = gridTimes(grid);
  if (values.length === 0) return { times, series: [] };
  return { times, series: toChartSeries([line]).map((entry) => ({ ...entry, name: 'all' })) };
}

export interface UsageSum {
  readonly token: string;
  readonly protocol: string;
  readonly written: number;
  readonly read: number;
  readonly requests: number;
}

/** The most points first. */
export function usageSums(rows: readonly UsageRow[]): readonly UsageSum[] {
  const sums = new Map<string, UsageSum>();
  for (const row of rows) {
    const { token, protocol } = row;
    if (protocol === STORED) continue;
    const key = JSON.stringify([token, protocol]);
    const before = sums.get(key);
    sums.set(key, {
      token,
      protocol,
      written: (before?.written ?? 0) + row.points_written,
      read: (before?.read ?? 0) + row.points_read,
      requests: (before?.requests ?? 0) + row.requests,
    });
  }
  return [...sums.values()].toSorted((a, b) => b.written + b.read - a.written - a.read);
}
