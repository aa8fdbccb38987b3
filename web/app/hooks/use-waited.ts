/** True once `isActive` has held for `afterMs` without a break: short waits show nothing. */
import { useEffect, useState } from 'react';

export function useWaited(isActive: boolean, afterMs: number): boolean {
  const [isDue, setIsDue] = useState(false);
  useEffect(() => {
    if (!isActive) return undefined;
    const timer = setTimeout(() => setIsDue(true), afterMs);
    return () => {
      clearTimeout(timer);
      setIsDue(false);
    };
  }, [isActive, afterMs]);
  return isActive && isDue;
}
