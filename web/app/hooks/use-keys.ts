/**
 * Page-wide keys. A plain key does nothing while the reader types into a field; keys with Ctrl (or
 * Command) work everywhere. Events are read through shadow roots, where the editor lives.
 */
import { useEffect, useRef } from 'react';

/** Keys are written as `/`, `t`, `?`, `Ctrl-Enter`, `Ctrl-k`. */
export type KeyMap = Readonly<Record<string, () => void>>;

export function useKeys(keys: KeyMap): void {
  const ref = useRef(keys);
  useEffect(() => {
    ref.current = keys;
  });
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const isCtrl = event.ctrlKey || event.metaKey;
      if (!isCtrl && (event.altKey || isTyping(event) || isModalOpen())) return;
      const name = isCtrl ? `Ctrl-${event.key}` : event.key;
      if (!Object.hasOwn(ref.current, name)) return;
      event.preventDefault();
      ref.current[name]?.();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);
}

function isTyping(event: KeyboardEvent): boolean {
  const target = event.composedPath()[0];
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || target.matches('input, textarea, select');
}

function isModalOpen(): boolean {
  return document.querySelector('dialog[open]') !== null;
}
