/** Which series are drawn: one click isolates, a click with a modifier adds or removes. */
import { ALL_SERIES, type SeriesPick } from './url-state.ts';

/** Ids that go into an address at most; the oldest leave first. */
const IDS_MAX = 100;

export function isPicked(pick: SeriesPick, id: string): boolean {
  if (pick.kind === 'all') return true;
  return pick.ids.includes(id) === (pick.kind === 'only');
}

/** `all` are the ids of the series of the answer. */
export function nextPick(
  pick: SeriesPick,
  all: readonly string[],
  { id, isAdding }: { readonly id: string; readonly isAdding: boolean },
): SeriesPick {
  if (!isAdding) {
    const isAlone = pick.kind === 'only' && pick.ids.length === 1 && pick.ids[0] === id;
    return isAlone ? ALL_SERIES : { kind: 'only', ids: [id] };
  }
  const kind = pick.kind === 'only' ? 'only' : 'hide';
  const ids = pick.ids.includes(id) ? pick.ids.filter((one) => one !== id) : [...pick.ids, id];
  const next: SeriesPick = { kind, ids: ids.slice(-IDS_MAX) };
  const shown = all.filter((one) => isPicked(next, one)).length;
  // Nothing shown helps nobody, and everything shown needs no list.
  return shown === 0 || shown === all.length ? ALL_SERIES : next;
}
