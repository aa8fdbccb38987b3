/**
 * The moment a view looks from. It moves with the refresh interval while the page is visible, and
 * when asked; a view computed from it never changes in between.
 */
import { useCallback, useEffect, useState } from 'react';

export interface Now {
  readonly nowMs: number;
  /** Looks again now. */
  readonly touch: () => void;
}

/** `intervalSec` 0 stands still. */
export function useNow(intervalSec: number): Now {
  const [nowMs, setNowMs] = useState(() => Date.now());
  const touch = useCallback(() => setNowMs(Date.now()), []);
  useEffect(() => {
    if (intervalSec === 0) return undefined;
    const tick = (): void => {
      if (!document.hidden) setNowMs(Date.now());
    };
    const timer = setInterval(tick, intervalSec * 1000);
    document.addEventListener('visibilitychange', tick);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', tick);
    };
  }, [intervalSec]);
  return { nowMs, touch };
}
