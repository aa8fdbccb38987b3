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

/** Headers that say who asks, or a tenant's name in open mode. */
type Who = string | Readonly<Record<string, string>>;

function headersOf(who: Who): Readonly<Record<string, string>> {
  return typeof who === 'string' ? { 'X-Scope-OrgID': who } : who;
}

export async function liveQueries(orrery: RunningOrrery, who: Who = 'default'): Promise<Live[]> {
  const headers = headersOf(who);
  const { text } = await orrery.get('/orrery/v1/queries', { headers });
  return (JSON.parse(text) as { queries: Live[] }).queries;
}

/** Its label is repeated on each of its lines: 12 MB, more than connections take. */
const STUCK = { samples: 3000, labelLength: 4000 };

/** An export whose client does not read: it stays in the list until somebody ends it. */
export async function stuckExport(
  orrery: RunningOrrery,
  { tenant: who = 'default', value = 'x' }: { readonly tenant?: Who; readonly value?: string } = {},
) {
  const headers = headersOf(who);
  const values = Array.from({ length: STUCK.samples }, (_, i) => i);
  const line = {
    metric: { __name__: 'stuck', pad: value.padEnd(STUCK.labelLength, 'x') },
    values,
    timestamps: values.map((i) => i * 1000),
  };
  const wrote = await orrery.post('/api/v1/import', JSON.stringify(line), { headers });
  if (wrote.status !== 204) throw new Error(wrote.text);
  const { promise: ended, resolve } = Promise.withResolvers<string>();
  let answer: http.IncomingMessage | undefined;
  const url = `${orrery.url}/api/v1/export?match[]=stuck&max_rows_per_line=1`;
  const request = http.get(url, { agent: false, headers }, (got) => {
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
