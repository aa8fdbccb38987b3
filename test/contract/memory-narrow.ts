// What narrows the answers of the in-memory storage: limits of lists, and the time of a principal.
import { AppError } from '../../src/model/errors.ts';
import { compareUtf8 } from '../../src/model/labels.ts';
import type { Principal } from '../../src/model/tenant.ts';

export function limited<T>(rows: T[], limit: number): T[] {
  return limit === 0 ? rows : rows.slice(0, limit);
}

export function topCounts(
  counts: ReadonlyMap<string, number>,
  limit: number,
): { name: string; count: number }[] {
  const rows = [...counts].map(([name, count]) => ({ name, count }));
  return limited(
    rows.toSorted((a, b) => b.count - a.count || compareUtf8(a.name, b.name)),
    limit,
  );
}

export function clampTime(
  range: { readonly startUs: number; readonly endUs: number },
  { minTUs, maxTUs }: Principal,
  horizonUs = Number.NEGATIVE_INFINITY,
): { startUs: number; endUs: number } {
  return {
    startUs: Math.max(range.startUs, minTUs, horizonUs),
    endUs: Math.min(range.endUs, maxTUs),
  };
}

export function checkTime(tUs: number, { minTUs, maxTUs }: Principal): void {
  if (!Number.isSafeInteger(tUs))
    throw new AppError('invalid', 'bad-time', `${tUs} is not a time in whole microseconds`);
  if (tUs < minTUs || tUs > maxTUs)
    throw new AppError('forbidden', 'time-range', `this token may not write at ${tUs} µs`);
}
