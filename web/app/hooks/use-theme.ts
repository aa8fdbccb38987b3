/**
 * The reader's theme: the system's unless she chose. The choice is a preference of this browser, so
 * it is the one thing kept outside the address.
 */
import { useEffect, useState, useSyncExternalStore } from 'react';

export type ThemeChoice = 'system' | 'light' | 'dark';

const KEY = 'orrery.theme';
const CHANGED = 'orrery:theme';
const NEXT: Readonly<Record<ThemeChoice, ThemeChoice>> = {
  system: 'light',
  light: 'dark',
  dark: 'system',
};

export function useThemeChoice(): readonly [ThemeChoice, () => void] {
  const [choice, setChoice] = useState<ThemeChoice>(readChoice);
  const cycle = (): void => {
    const next = NEXT[choice];
    setChoice(next);
    if (next === 'system') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = next;
    storeChoice(next);
    window.dispatchEvent(new Event(CHANGED));
  };
  return [choice, cycle];
}

/** The theme in force; charts are redrawn when it changes, because a canvas has no CSS. */
export function useThemeInForce(): 'light' | 'dark' {
  const [media] = useState(() => window.matchMedia('(prefers-color-scheme: dark)'));
  const isSystemDark = useSyncExternalStore(
    (onChange) => {
      media.addEventListener('change', onChange);
      return () => media.removeEventListener('change', onChange);
    },
    () => media.matches,
  );
  const [choice, setChoice] = useState<ThemeChoice>(readChoice);
  useEffect(() => {
    const onChange = (): void => setChoice(readChoice());
    window.addEventListener(CHANGED, onChange);
    return () => window.removeEventListener(CHANGED, onChange);
  }, []);
  if (choice !== 'system') return choice;
  return isSystemDark ? 'dark' : 'light';
}

function readChoice(): ThemeChoice {
  const set = document.documentElement.dataset['theme'];
  return set === 'light' || set === 'dark' ? set : 'system';
}

function storeChoice(choice: ThemeChoice): void {
  try {
    if (choice === 'system') localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, choice);
  } catch (error) {
    // A browser that forbids storage still shows the theme until the page is left.
    console.info('The theme is not kept:', error);
  }
}
