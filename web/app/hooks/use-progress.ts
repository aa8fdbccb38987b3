/**
 * How far running queries are, from 0 to 1, by the server's own list. Asked only while `isActive`;
 * undefined where the server does not tell.
 */
import { useEffect, useState } from 'react';
import { liveQueries } from '../api/client.ts';
import { LIVE_QUERIES_EVERY_MS } from '../util/limits.ts';

export function useProgress(texts: readonly string[], isActive: boolean): number | undefined {
  const [progress, setProgress] = useState<number | undefined>(undefined);
  const key = JSON.stringify(texts);
  useEffect(() => {
    if (!isActive) return undefined;
    const controller = new AbortController();
    const wanted = new Set(JSON.parse(key) as string[]);
    const look = async (): Promise<void> => {
      const running = (await liveQueries(controller.signal)).filter(({ text }) => wanted.has(text));
      const known = running.flatMap((query) => query.progress ?? []);
      setProgress(known.length === 0 ? undefined : Math.min(...known));
    };
    const tick = (): void => {
      // Progress is a courtesy; the wait goes on without it.
      look().catch((error: unknown) => console.info('No progress is known:', error));
    };
    tick();
    const timer = setInterval(tick, LIVE_QUERIES_EVERY_MS);
    return () => {
      clearInterval(timer);
      controller.abort();
      setProgress(undefined);
    };
  }, [key, isActive]);
  return isActive ? progress : undefined;
}
