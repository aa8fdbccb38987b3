/**
 * The address as state: a router of one function over the history API. Places are one level below
 * the page's base, so that the console also works behind a prefix.
 */
import { useSyncExternalStore } from 'react';

const CHANGED = 'orrery:navigated';
// The base is taken once, before any navigation: relative addresses must not drift with the path.
const BASE_PATH = new URL('.', document.baseURI).pathname;

export interface Place {
  /** Path below the base: '' is Home, 'explore' is Explore. */
  readonly path: string;
  readonly search: string;
}

/** Address of a place, for links. */
export function hrefOf(place: Place): string {
  return `${BASE_PATH}${place.path}${place.search}`;
}

/** Goes to a place; `replace` leaves no step for the back button. */
export function navigate(place: Place, options: { readonly replace: boolean }): void {
  const href = hrefOf(place);
  if (href === location.pathname + location.search) return;
  if (options.replace) history.replaceState(null, '', href);
  else history.pushState(null, '', href);
  window.dispatchEvent(new Event(CHANGED));
}

export function usePlace(): Place {
  const href = useSyncExternalStore(subscribe, () => location.pathname + location.search);
  const mark = href.indexOf('?');
  const path = mark === -1 ? href : href.slice(0, mark);
  return {
    path: path.startsWith(BASE_PATH) ? path.slice(BASE_PATH.length) : path,
    search: mark === -1 ? '' : href.slice(mark),
  };
}

function subscribe(onChange: () => void): () => void {
  window.addEventListener('popstate', onChange);
  window.addEventListener(CHANGED, onChange);
  return () => {
    window.removeEventListener('popstate', onChange);
    window.removeEventListener(CHANGED, onChange);
  };
}
