// Asks two servers the same PromQL question and says in words where the answers differ.

export interface PromSeries {
  readonly metric: Record<string, string>;
  readonly values?: readonly (readonly [number, string])[];
  readonly value?: readonly [number, string];
  readonly histograms?: readonly (readonly [number, PromHistogram])[];
  readonly histogram?: readonly [number, PromHistogram];
}

export interface PromHistogram {
  readonly count: string;
  readonly sum: string;
  /** Boundary rule, lower and upper bound, count. */
  readonly buckets?: readonly (readonly [number, string, string, string])[];
}

export interface PromAnswer {
  readonly status: string;
  readonly error?: string;
  readonly data?: {
    readonly resultType: string;
    /** Series, or the one value of a scalar or a string. */
    readonly result: readonly PromSeries[] | readonly [number, string];
  };
  readonly warnings?: readonly string[];
  readonly infos?: readonly string[];
}

/** Two values are the same where they differ by less than either. */
export interface Tolerance {
  /** Of the larger of the two. */
  readonly relative: number;
  readonly absolute: number;
}

export async function ask(url: string, path: string, form: URLSearchParams): Promise<PromAnswer> {
  const response = await fetch(`${url}/api/v1/${path}?${form.toString()}`);
  return (await response.json()) as PromAnswer;
}

const keyOf = (metric: Record<string, string>): string =>
  JSON.stringify(Object.entries(metric).toSorted(([a], [b]) => (a < b ? -1 : 1)));

function numberOf(text: string): number {
  if (text === '+Inf') return Infinity;
  return text === '-Inf' ? -Infinity : Number(text);
}

function near(a: string, b: string, { relative, absolute }: Tolerance): boolean {
  const x = numberOf(a);
  const y = numberOf(b);
  if (Object.is(x, y) || x === y) return true;
  if (!Number.isFinite(x) || !Number.isFinite(y)) return false;
  return Math.abs(x - y) <= Math.max(relative * Math.max(Math.abs(x), Math.abs(y)), absolute);
}

function nearHistograms(a: PromHistogram, b: PromHistogram, tolerance: Tolerance): boolean {
  const left = (a.buckets ?? []).flat();
  const right = (b.buckets ?? []).flat();
  return (
    left.length === right.length &&
    near(a.count, b.count, tolerance) &&
    near(a.sum, b.sum, tolerance) &&
    left.every((value, i) => near(String(value), String(right[i]), tolerance))
  );
}

function compareSeries(key: string, one: PromSeries, other: PromSeries, tolerance: Tolerance) {
  const out: string[] = [];
  const left = new Map(one.values ?? (one.value ? [one.value] : []));
  const right = new Map(other.values ?? (other.value ? [other.value] : []));
  for (const [t, value] of right) if (!left.has(t)) out.push(`${key} extra ${value} at ${t}`);
  for (const [t, value] of left) {
    const found = right.get(t);
    if (found === undefined) out.push(`${key} missing at ${t}: ${value}`);
    else if (!near(value, found, tolerance)) out.push(`${key} at ${t}: ${found}, not ${value}`);
  }
  const theirs = new Map(one.histograms ?? (one.histogram ? [one.histogram] : []));
  const ours = new Map(other.histograms ?? (other.histogram ? [other.histogram] : []));
  for (const t of ours.keys()) if (!theirs.has(t)) out.push(`${key} extra histogram at ${t}`);
  for (const [t, value] of theirs) {
    const found = ours.get(t);
    if (found === undefined || !nearHistograms(value, found, tolerance))
      out.push(`${key} at ${t}: ${JSON.stringify(found)}, not ${JSON.stringify(value)}`);
  }
  return out;
}

/** A scalar or a string counts as one series without labels. */
export function seriesIn({ data }: PromAnswer): readonly PromSeries[] {
  if (data === undefined) return [];
  if (data.resultType === 'scalar' || data.resultType === 'string')
    return [{ metric: {}, value: data.result as readonly [number, string] }];
  return data.result as readonly PromSeries[];
}

function byKey(answer: PromAnswer): ReadonlyMap<string, PromSeries> {
  return new Map(seriesIn(answer).map((one) => [keyOf(one.metric), one]));
}

/** Differences in words, empty where both say the same within the tolerance. */
export function compareAnswers(
  expected: PromAnswer,
  actual: PromAnswer,
  tolerance: Tolerance,
): readonly string[] {
  if (expected.status !== actual.status)
    return [
      `status ${actual.status} (${actual.error}), expected ${expected.status} (${expected.error})`,
    ];
  const out: string[] = [];
  const theirs = byKey(expected);
  const ours = byKey(actual);
  for (const key of ours.keys()) if (!theirs.has(key)) out.push(`extra series ${key}`);
  for (const [key, series] of theirs) {
    const mine = ours.get(key);
    if (mine === undefined) out.push(`missing series ${key}`);
    else out.push(...compareSeries(key, series, mine, tolerance));
  }
  return out;
}
