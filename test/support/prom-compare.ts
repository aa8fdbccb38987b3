// Asks two servers the same PromQL question and says in words where the answers differ.

export interface PromSeries {
  readonly metric: Record<string, string>;
  readonly values?: readonly (readonly [number, string])[];
  readonly value?: readonly [number, string];
}

export interface PromAnswer {
  readonly status: string;
  readonly error?: string;
  readonly data?: { readonly resultType: string; readonly result: readonly PromSeries[] };
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

function near(a: string, b: string, relative: number): boolean {
  const x = numberOf(a);
  const y = numberOf(b);
  if (Object.is(x, y) || x === y) return true;
  return Math.abs(x - y) <= relative * Math.max(Math.abs(x), Math.abs(y));
}

/** Differences in words, empty where both say the same within `relative`. */
export function compareAnswers(
  expected: PromAnswer,
  actual: PromAnswer,
  relative: number,
): readonly string[] {
  if (expected.status !== actual.status)
    return [`status ${actual.status} (${actual.error}), expected ${expected.status}`];
  const out: string[] = [];
  const theirs = new Map((expected.data?.result ?? []).map((s) => [keyOf(s.metric), s]));
  const ours = new Map((actual.data?.result ?? []).map((s) => [keyOf(s.metric), s]));
  for (const key of ours.keys()) if (!theirs.has(key)) out.push(`extra series ${key}`);
  for (const [key, series] of theirs) {
    const mine = ours.get(key);
    if (mine === undefined) {
      out.push(`missing series ${key}`);
      continue;
    }
    const left = new Map(series.values ?? (series.value ? [series.value] : []));
    const right = new Map(mine.values ?? (mine.value ? [mine.value] : []));
    for (const t of right.keys()) if (!left.has(t)) out.push(`${key} extra at ${t}`);
    for (const [t, value] of left) {
      const found = right.get(t);
      if (found === undefined) out.push(`${key} missing at ${t}`);
      else if (!near(value, found, relative)) out.push(`${key} at ${t}: ${found}, not ${value}`);
    }
  }
  return out;
}
