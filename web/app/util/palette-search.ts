/** Finding by a few letters: a start beats a part, a part beats letters in order. */
const START = 0;
const PART = 1;
const LETTERS = 2;

/** The best first; equal ones keep their order. */
export function findEntries<T extends { readonly text: string; readonly hint: string }>(
  entries: readonly T[],
  typed: string,
  countMax: number,
): readonly T[] {
  const wanted = typed.trim().toLowerCase();
  return entries
    .flatMap((entry) => {
      const rank = rankOf(entry.text.toLowerCase(), wanted);
      if (rank !== undefined) return [{ entry, rank }];
      return entry.hint.toLowerCase().includes(wanted) ? [{ entry, rank: LETTERS + 1 }] : [];
    })
    .toSorted((a, b) => a.rank - b.rank)
    .slice(0, countMax)
    .map(({ entry }) => entry);
}

function rankOf(text: string, wanted: string): number | undefined {
  if (text.startsWith(wanted)) return START;
  if (text.includes(wanted)) return PART;
  let at = -1;
  for (const letter of wanted.replaceAll(' ', '')) {
    at = text.indexOf(letter, at + 1);
    if (at === -1) return undefined;
  }
  return LETTERS;
}
