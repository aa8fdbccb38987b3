// How well a name or value fits what is searched for: 0 = not at all, 1 = begins with it.
// Characters are code points. Scores are those of Prometheus' search API, so that clients may mix
// answers of both. Source: Prometheus web/api/v1/search_filters.go, util/strutil/{subsequence,
// jarowinkler}.go.

export interface SearchTerms {
  readonly terms: readonly string[];
  readonly algorithm: 'subsequence' | 'jarowinkler';
  /** 0…1: worse fits are left out. */
  readonly threshold: number;
  readonly isCaseSensitive: boolean;
}

/** Below 1, which only what begins with the term has. */
const SUBSEQUENCE_BEST = 0.999;
/** Weight of an equal beginning in Winkler's correction, and how much of it counts. */
const PREFIX_WEIGHT = 0.1;
const PREFIX_LENGTH_MAX = 4;

type Score = (text: string) => number | undefined;

/** The best score of any term, undefined where none accepts; without terms everything is 1. */
export function scoreOf(search: SearchTerms): Score {
  const fold = search.isCaseSensitive
    ? (text: string) => text
    : (text: string) => text.toLowerCase();
  const scores = search.terms
    .filter((term) => term !== '')
    .map((term) => termScore(fold(term), search));
  if (scores.length === 0) return () => 1;
  return (text) => {
    const folded = fold(text);
    let best: number | undefined;
    for (const score of scores) {
      const one = score(folded);
      if (one !== undefined && (best === undefined || one > best)) best = one;
      if (best === 1) break;
    }
    return best;
  };
}

function termScore(term: string, { algorithm, threshold }: SearchTerms): Score {
  const chars = Array.from(term);
  if (algorithm === 'subsequence')
    return (text) => {
      if (text.startsWith(term)) return 1;
      const score = subsequenceScore(chars, Array.from(text));
      return score > 0 && score >= threshold ? score : undefined;
    };
  return (text) => {
    const at = text.indexOf(term);
    if (at >= 0) return substringScore(text, term, at);
    if (threshold === 0) return undefined;
    const score = jaroWinkler(chars, Array.from(text));
    return score >= threshold ? score : undefined;
  };
}

const countChars = (part: string): number => Array.from(part).length;

/** From 1 at the beginning down to 0.1 at the end. */
function substringScore(text: string, term: string, at: number): number {
  if (at === 0) return 1;
  return 1 - (0.9 * countChars(text.slice(0, at))) / (countChars(text) - countChars(term));
}

/**
 * All characters of the term in their order: runs count by the square of their length, gaps against
 * it, what follows half as much. The best of all beginnings.
 */
function subsequenceScore(term: readonly string[], text: readonly string[]): number {
  let best = -1;
  for (let start = 0; start <= text.length - term.length; start++) {
    if (text[start] !== term[0]) continue;
    const score = runsScore(term, text, start);
    // What cannot be completed from here cannot from any later start.
    if (score === undefined) break;
    if (score > best) best = score;
  }
  return best < 0 ? 0 : (best / term.length ** 2) * SUBSEQUENCE_BEST;
}

function runsScore(
  term: readonly string[],
  text: readonly string[],
  start: number,
): number | undefined {
  const perChar = 1 / text.length;
  let score = 0;
  let matched = 0;
  let at = start;
  let runEnd = 0;
  while (matched < term.length) {
    while (at < text.length && text[at] !== term[matched]) at++;
    if (at === text.length) return undefined;
    const runStart = at;
    score -= (runStart - runEnd) * perChar;
    while (matched < term.length && at < text.length && text[at] === term[matched]) {
      at++;
      matched++;
    }
    score += (at - runStart) ** 2;
    runEnd = at;
  }
  return score - (text.length - runEnd) * perChar * 0.5;
}

/** Similarity of two texts by common characters near each other, more for an equal beginning. */
function jaroWinkler(a: readonly string[], b: readonly string[]): number {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  if (short.length === 0) return 0;
  const reach = Math.max(Math.floor(long.length / 2) - 1, 0);
  const taken = new Uint8Array(long.length);
  const common: string[] = [];
  for (const [i, char] of short.entries()) {
    const end = Math.min(i + reach + 1, long.length);
    for (let j = Math.max(i - reach, 0); j < end; j++) {
      if (taken[j] === 1 || long[j] !== char) continue;
      taken[j] = 1;
      common.push(char);
      break;
    }
  }
  if (common.length === 0) return 0;
  const others = long.filter((_, j) => taken[j] === 1);
  const transposed = common.filter((char, k) => char !== others[k]).length;
  const count = common.length;
  const jaro =
    (count * (1 / short.length) + count * (1 / long.length) + (count - transposed / 2) / count) / 3;
  let prefix = 0;
  while (prefix < Math.min(PREFIX_LENGTH_MAX, short.length) && short[prefix] === long[prefix])
    prefix++;
  return jaro + prefix * PREFIX_WEIGHT * (1 - jaro);
}
