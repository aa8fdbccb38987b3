// All that a tenant has, by the exact export, one text a point: what two servers hold compares as
// sets, and a point that is there twice shows.

interface ExportedLine {
  readonly metric: Readonly<Record<string, string>>;
  readonly kind: string;
  readonly values: readonly unknown[];
  readonly timestampsUs: readonly number[];
  readonly subNs?: readonly number[];
  readonly startUs?: readonly (number | null)[];
}

export interface ExportedPoint {
  /** Labels in order of their names, as JSON. */
  readonly series: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly kind: string;
  readonly tUs: number;
  readonly value: unknown;
  readonly startUs: number | null;
}

const ALL_SERIES = '{__name__=~".+"}';

function seriesText(labels: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Throws where a series has two points of one time. */
export async function exportedPoints(
  url: string,
  tenant: string,
  selector = ALL_SERIES,
): Promise<ExportedPoint[]> {
  const search = new URLSearchParams({ 'match[]': selector, exact: '1' });
  const headers = { 'X-Scope-OrgID': tenant };
  const response = await fetch(`${url}/api/v1/export?${search.toString()}`, { headers });
  const text = await response.text();
  if (!response.ok) throw new Error(`export answered ${response.status}: ${text}`);
  const points: ExportedPoint[] = [];
  const seen = new Set<string>();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const row = JSON.parse(line) as ExportedLine;
    const series = seriesText(row.metric);
    row.timestampsUs.forEach((tUs, i) => {
      const key = `${series} ${tUs} ${row.subNs?.[i] ?? 0}`;
      if (seen.has(key)) throw new Error(`two points of one time: ${key}`);
      seen.add(key);
      points.push({
        series,
        labels: row.metric,
        kind: row.kind,
        tUs,
        value: row.values[i],
        startUs: row.startUs?.[i] ?? null,
      });
    });
  }
  return points;
}

/** One text a point, for sets. */
export function pointTexts(points: readonly ExportedPoint[]): Set<string> {
  return new Set(
    points.map(({ series, kind, tUs, value, startUs }) =>
      JSON.stringify([series, kind, tUs, value, startUs]),
    ),
  );
}

/** What one has and the other has not, both ways, the first so many of each. */
export function setDifference(wanted: ReadonlySet<string>, found: ReadonlySet<string>) {
  const missing = [...wanted].filter((text) => !found.has(text));
  const extra = [...found].filter((text) => !wanted.has(text));
  return {
    missingCount: missing.length,
    extraCount: extra.length,
    missing: missing.slice(0, 10),
    extra: extra.slice(0, 10),
  };
}

export const NO_DIFFERENCE = { missingCount: 0, extraCount: 0, missing: [], extra: [] };

/** What a counter of a series rose by, told by its start times: each start is from zero. */
export function increaseOf(points: readonly ExportedPoint[]): number {
  const ordered = points.toSorted((a, b) => a.tUs - b.tUs);
  return ordered.reduce((sum, { value, startUs }, i) => {
    const before = ordered[i - 1];
    const isSameLife = before !== undefined && before.startUs === startUs;
    return sum + Number(value) - (isSameLife ? Number(before.value) : 0);
  }, 0);
}
