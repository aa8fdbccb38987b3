// Everything that a tenant can have, with words in it that nobody else may ever be told. Names
// carry a mark, so that somebody who knows or guesses them can ask for them; what they hold carries
// words that no question contains.
import { encodeSnappy } from '../../../src/codec/snappy.ts';
import { requestV2 } from '../../support/remote-write-v2.ts';

/** In names that may be guessed; no id of a token has a digit above 7. */
export const MARK = 'zq9';
/** As MARK, in names that nobody has. */
export const NO_MARK = 'zq8';
/** An id of no token. */
export const NO_TOKEN = 'a'.repeat(12);
/** In what no question contains: texts and numbers. */
export const SECRETS = ['hush', '424242', '987654321'];

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  /** One character a byte. */
  readonly text: string;
}

/** Groups that were pushed are not written again meanwhile: equal questions have equal answers. */
export const STILL = '--scrape-interval=1h';

/** Asks as somebody. */
export type Asker = (method: string, path: string, init?: RequestInit) => Promise<Reply>;

/** Of the newest sample; whole minutes. */
export const END_SEC = Math.floor(Date.now() / 60_000) * 60 - 60;
export const START_SEC = END_SEC - 3600;

export const RANGE = { start: String(START_SEC), end: String(END_SEC), step: '60' };

export const V2_HEADERS = {
  'Content-Type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request',
  'Content-Encoding': 'snappy',
};

export function form(params: Readonly<Record<string, string>>): string {
  return new URLSearchParams(params).toString();
}

export const PUSHED = `/metrics/job/${MARK}job/${MARK}_group/hushgroup`;

export function writtenSeries(
  mark: string,
  secret: string,
  value: number,
): Uint8Array<ArrayBuffer> {
  const times = Array.from({ length: 61 }, (_, i) => (START_SEC + i * 60) * 1000);
  const labels = (name: string) => ['__name__', name, `${mark}_label`, `${secret}value`];
  const message = requestV2(
    [`${mark}_metric`, `${mark}_total`].map((name) => ({
      labels: [...labels(name), 'team', 'b'],
      samples: times.map((tMs) => ({ value, tMs })),
      exemplars: [{ labels: ['trace_id', `${secret}trace`], value, tMs: times[60]! }],
      metadata: { type: 2, help: `${secret} help`, unit: '' },
    })),
  );
  return new Uint8Array(encodeSnappy(message));
}

/** What only who may ask for the whole server can do to a tenant. */
export async function makeTenant(server: Asker, tenant: string): Promise<void> {
  await must(server('POST', '/orrery/v1/tenants', { body: JSON.stringify({ name: tenant }) }));
  const retention = JSON.stringify({ timeMs: 1_987_654_321_000 });
  const path = `/orrery/v1/tenants/${tenant}/retention`;
  await must(server('PUT', path, { body: retention }));
}

async function must(reply: Promise<Reply>, statusMax = 299): Promise<void> {
  const { status, text } = await reply;
  if (status > statusMax) throw new Error(`${status} ${text}`);
}

/** Fills a tenant, which has a record, by everything that keeps something; the id of a token. */
export async function seedSecrets(ask: Asker, tenant: string): Promise<string> {
  await must(
    ask('POST', '/api/v1/write', {
      headers: V2_HEADERS,
      body: writtenSeries(MARK, 'hush', 424_242),
    }),
  );
  // Two measurements share one name, and a string.
  const lines = [
    `${MARK}a,team=b,${MARK}_label=hushtag b=424242,text="hushtext" ${END_SEC}`,
    `${MARK}a_b,team=b,${MARK}_label=hushtag value=424242 ${END_SEC}`,
  ];
  await must(ask('POST', `/write?precision=s&db=hushdb`, { body: lines.join('\n') }));
  await must(ask('POST', '/write', { body: `${MARK}bad hushline hush` }), 400);
  const meta = `${MARK}_metric{${MARK}_label=hushvalue,team=b}{${MARK}attr=hushattr}\n`;
  await must(ask('POST', '/api/v0/meta', { body: meta }));
  const rules = `- action: labeldrop\n  regex: ${MARK}_hushrule\n`;
  await must(ask('PUT', '/orrery/v1/relabel', { body: rules }));
  const page = `# HELP ${MARK}_push hush pushed\n# TYPE ${MARK}_push gauge\n${MARK}_push 424242\n`;
  await must(ask('PUT', `/pushgateway${PUSHED}`, { body: page }));
  // Twice: results of the second are those that were kept.
  const query = form({ ...RANGE, query: `${MARK}_metric` });
  for (let i = 0; i < 2; i++) await must(ask('GET', `/api/v1/query_range?${query}`));
  const draft = { name: 'hushtoken', permissions: ['read'], matchers: ['{a="hushmatcher"}'] };
  const body = JSON.stringify({ ...draft, application: 'hushapp' });
  const { status, text } = await ask('POST', `/orrery/v1/tenants/${tenant}/tokens`, { body });
  if (status !== 201) throw new Error(`${status} ${text}`);
  return (JSON.parse(text) as { id: string }).id;
}

/** What the tenant has, to see whether somebody changed it. */
export async function contentOf(ask: Asker, tenant: string): Promise<unknown> {
  const texts: Record<string, unknown> = {};
  const all = form({ 'match[]': '{__name__=~".+",__name__!~"push_.*_seconds|.*_push"}' });
  for (const path of [
    `/api/v1/export?${all}&exact=1`,
    '/api/v1/metadata',
    '/orrery/v1/relabel',
    '/orrery/v1/refused-lines',
    `/orrery/v1/tenants/${tenant}/tokens`,
    '/orrery/v1/collisions',
    '/pushgateway/api/v1/metrics',
  ]) {
    const { status, text } = await ask('GET', path);
    if (status !== 200) throw new Error(`${path}: ${status} ${text}`);
    texts[path] = text;
  }
  return texts;
}
