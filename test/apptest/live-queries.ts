// Queries of a real server that are under way: the list, and one that stays in it.
import http from 'node:http';
import type { RunningOrrery } from './harness.ts';

export interface Live {
  readonly id: string;
  readonly text: string;
  readonly state: string;
  readonly lane: string;
  readonly estimate: object | null;
  readonly progress: number | null;
  readonly cost: { readonly heldBytes: number };
}

export async function liveQueries(orrery: RunningOrrery, tenant = 'default'): Promise<Live[]> {
  const headers = { 'X-Scope-OrgID': tenant };
  const { text } = await orrery.get('/orrery/v1/queries', { headers });
  return (JSON.parse(text) as { queries: Live[] }).queries;
}

/** An export whose client does not read: it stays in the list until somebody ends it. */
export function stuckExport(orrery: RunningOrrery, metric: string) {
  const { promise: ended, resolve } = Promise.withResolvers<string>();
  let answer: http.IncomingMessage | undefined;
  const params = Array.from({ length: 900 }, () => `match[]=${metric}`).join('&');
  const request = http.get(`${orrery.url}/api/v1/export?${params}`, { agent: false }, (got) => {
    answer = got.pause();
    answer.on('error', () => resolve('cut'));
    answer.on('end', () => resolve('complete'));
  });
  request.on('error', () => resolve('cut'));
  return { ended, read: () => answer?.resume(), hangUp: () => request.destroy() };
}

export async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (let i = 0; i < 500; i++) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => void setTimeout(resolve, 10));
  }
  throw new Error('it never came');
}
