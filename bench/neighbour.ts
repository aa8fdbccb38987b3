// `npm run bench:neighbour [-- --seconds N] [--rounds N] [--burst N] [--connections N] [--json]`:
// what a quiet tenant feels of a loud one, and what refusals cost. A server asks for tokens. B
// writes 100 samples 25 times a second, durably, and asks for a series 25 times a second, each
// whether or not the last one was answered: two minutes alone, two while A sends ten times what its
// limits allow of samples and of queries, and two while somebody sends requests with bad tokens as
// fast as his connections carry them. Kinds take turns, `--rounds` times; of each the median of the
// rounds' p99 is compared. At the end a query counts B's points back.
// Then CPU time of the server a request (user and system): taken, and refused by a limit, with the
// same body, in turns. (Refusals for a token wait their turn: a burst of them is none.)
// Exits with 1 where something wanted is missed; the last table says what. Linux only: reads /proc.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { cpuMs, startServer } from './bulk.ts';
import type { BenchServer } from './bulk.ts';
import { answerHelp } from './help.ts';

answerHelp(import.meta.filename);
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '120' },
    rounds: { type: 'string', default: '1' },
    burst: { type: 'string', default: '2000' },
    connections: { type: 'string', default: '32' },
    dir: { type: 'string', default: tmpdir() },
    json: { type: 'boolean', default: false },
  },
});
const SECONDS = Number(options.seconds);
const ROUNDS = Number(options.rounds);
const BURST = Number(options.burst);
const CONNECTIONS = Number(options.connections);
const EVERY_MS = 40;
/** Before anything is measured. */
const WARM_MS = 5000;
const QUIET_SAMPLES = 100;
/** Limits of A, and what it sends: ten times that. */
const TIMES = 10;
const SAMPLES_PER_SECOND = 10_000;
/** A sample read, and 100 for its series. */
const LOUD_QUERY_COST = 101;
const QUERY_COST_PER_MINUTE = 60 * 20 * LOUD_QUERY_COST;
const LIMITS = {
  'samples-per-second': SAMPLES_PER_SECOND,
  'samples-burst': SAMPLES_PER_SECOND,
  'query-cost-per-minute': QUERY_COST_PER_MINUTE,
};
const LOUD_SAMPLES = 1000;
const LOUD_EVERY_MS = 10;
const LOUD_QUERY_EVERY_MS = 5;
const UNDER_WAY_MAX = 200;
/** What is wanted: of latencies beside others, and of the price of a refusal. */
const P99_RATIO_MAX = 2;
const REFUSAL_US_MAX = 20;
/** Rounds of bursts that are compared; one more before them compiles. */
const COST_ROUNDS = 5;
const BAD_TOKEN = `orr_${'a'.repeat(12)}_${'b'.repeat(52)}`;

interface Told {
  readonly status: number;
  readonly text: string;
  readonly retryAfter: string | undefined;
}

const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });

function send(url: string, token: string, body?: string, method?: string): Promise<Told> {
  return new Promise((fulfil, reject) => {
    const headers = { Authorization: `Bearer ${token}` };
    const way = { agent, headers, method: method ?? (body === undefined ? 'GET' : 'POST') };
    const sent = request(url, way, (answer) => {
      let text = '';
      answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
      answer.on('error', reject);
      answer.on('end', () => {
        const retryAfter = answer.headers['retry-after'];
        fulfil({ status: answer.statusCode ?? 0, text, retryAfter });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

function lines(name: string, count: number, tMs: number): string {
  const all = Array.from({ length: count }, (_, i) => `${name},host=h${i} v=${i % 100} ${tMs}`);
  return all.join('\n');
}

function askUrl(url: string, query: string): string {
  return `${url}/api/v1/query?${new URLSearchParams({ query, nocache: '1' }).toString()}`;
}

const writeUrl = (url: string): string => `${url}/write?precision=ms`;

// ---------------------------------------------------------------- those who flood, as processes

interface Flooded {
  readonly seconds: number;
  /** By what was sent. */
  readonly sent: Record<string, number>;
  readonly byStatus: Record<string, number>;
  /** Refusals that lack something of what they should say, by what. */
  readonly wrong: Record<string, number>;
}

const nothing = () => ({ beganMs: performance.now(), sent: {}, byStatus: {}, wrong: {} });
let flooded: Omit<Flooded, 'seconds'> & { readonly beganMs: number } = nothing();

function add(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}

interface Facts {
  readonly id?: string;
  readonly limit?: number;
  readonly value?: number;
  readonly contributors?: readonly string[];
  readonly docs?: string;
}

function look(what: string, { status, text, retryAfter }: Told): void {
  add(flooded.byStatus, `${what} ${status}`);
  if (status === 503 && !(Number(retryAfter) > 0)) add(flooded.wrong, '503: no Retry-After');
  if (![200, 204, 429, 503].includes(status) && what !== 'bad token')
    add(flooded.wrong, `${what}: ${status}`);
  if (what === 'bad token' && status !== 401) add(flooded.wrong, `bad token: ${status}`);
  if (status !== 429) return;
  const { limit = {} } = JSON.parse(text) as { limit?: Facts };
  const id = String(limit.id);
  if (!(Number(retryAfter) > 0)) add(flooded.wrong, `${id}: no Retry-After`);
  if (limit.limit !== LIMITS[id as keyof typeof LIMITS]) add(flooded.wrong, `${id}: limit`);
  if (!(Number(limit.value) > 0)) add(flooded.wrong, `${id}: value`);
  if (!((limit.contributors?.length ?? 0) > 0)) add(flooded.wrong, `${id}: no contributors`);
  if (limit.docs !== `docs/operations/limits.md#${id}`) add(flooded.wrong, `${id}: docs`);
}

/** At a steady rate, whether or not the last one was answered; with so many under way at most. */
async function steadyFlood(what: string, everyMs: number, one: () => Promise<Told>): Promise<void> {
  const startMs = performance.now();
  let underWay = 0;
  for (let i = 0; ; i++) {
    await sleep(Math.max(0, startMs + i * everyMs - performance.now()));
    if (underWay > UNDER_WAY_MAX) continue;
    underWay++;
    add(flooded.sent, what);
    void one()
      .then((told) => look(what, told))
      .finally(() => underWay--);
  }
}

async function floodOfTenant(url: string, token: string): Promise<void> {
  const write = () => send(writeUrl(url), token, lines('loud', LOUD_SAMPLES, Date.now()));
  const ask = () => send(askUrl(url, 'loud_v{host="h7"}'), token);
  await Promise.all([
    steadyFlood('write', LOUD_EVERY_MS, write),
    steadyFlood('query', LOUD_QUERY_EVERY_MS, ask),
  ]);
}

async function floodOfBadTokens(url: string): Promise<void> {
  const body = lines('bad', 10, Date.now());
  const lane = async (): Promise<void> => {
    for (;;) {
      add(flooded.sent, 'bad token');
      look('bad token', await send(writeUrl(url), BAD_TOKEN, body));
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, lane));
}

type Flood = 'tenant' | 'bad-tokens';
const FLOODS = ['a tenant', 'bad tokens'] as const;

/** Floods while `meanwhile` runs. */
async function beside<T>(
  args: readonly [Flood, ...string[]],
  meanwhile: () => Promise<T>,
): Promise<{ result: T; flood: Flooded }> {
  const child = fork(import.meta.filename, [...args, '--connections', String(CONNECTIONS)]);
  try {
    await sleep(WARM_MS);
    child.send('begin');
    const result = await meanwhile();
    const told = once(child, 'message');
    child.send('tell');
    return { result, flood: ((await told) as [Flooded])[0] };
  } finally {
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }
}

// ---------------------------------------------------------------- the quiet one

interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

async function steadily(forMs: number, one: () => Promise<void>): Promise<Latency> {
  const tookMs: number[] = [];
  const pending: Promise<void>[] = [];
  const startMs = performance.now();
  for (let i = 0; i < forMs / EVERY_MS; i++) {
    await sleep(Math.max(0, startMs + i * EVERY_MS - performance.now()));
    const sentMs = performance.now();
    pending.push(one().then(() => void tookMs.push(performance.now() - sentMs)));
  }
  await Promise.all(pending);
  const sorted = tookMs.toSorted((a, b) => a - b);
  const p = (q: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]!;
  return { p50Ms: p(0.5), p99Ms: p(0.99), maxMs: p(1) };
}

class Quiet {
  readonly #url: string;
  readonly #token: string;
  #tMs = Date.now();
  writes = 0;

  constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  async #write(): Promise<void> {
    this.#tMs = Math.max(this.#tMs + 1, Date.now());
    const body = lines('quiet', QUIET_SAMPLES, this.#tMs);
    const { status, text } = await send(writeUrl(this.#url), this.#token, body);
    if (status !== 204) throw new Error(`a write of the quiet one: ${status} ${text}`);
    this.writes++;
  }

  async #ask(): Promise<void> {
    const { status, text } = await send(askUrl(this.#url, 'quiet_v{host="h7"}'), this.#token);
    if (status !== 200) throw new Error(`a query of the quiet one: ${status} ${text}`);
  }

  async run(forMs = SECONDS * 1000): Promise<{ writes: Latency; queries: Latency }> {
    const [writes, queries] = await Promise.all([
      steadily(forMs, () => this.#write()),
      steadily(forMs, () => this.#ask()),
    ]);
    return { writes, queries };
  }

  /** Points that are there, of those that were answered with success. */
  async counted(): Promise<{ written: number; there: number }> {
    const url = askUrl(this.#url, 'sum(count_over_time(quiet_v[1d]))');
    const { text } = await send(url, this.#token);
    const { data } = JSON.parse(text) as { data: { result: { value: [number, string] }[] } };
    const there = Number(data.result[0]?.value[1] ?? 0);
    return { written: this.writes * QUIET_SAMPLES, there };
  }
}

// ---------------------------------------------------------------- what a request costs

interface Cost {
  readonly kind: string;
  readonly samples: number;
  readonly status: number;
  /** CPU time of the server a request, of each round. */
  readonly us: number[];
}

async function burst(url: string, token: string, body: string, status: number): Promise<void> {
  let left = BURST;
  const lane = async (): Promise<void> => {
    while (left-- > 0) {
      const told = await send(url, token, body);
      if (told.status !== status)
        throw new Error(`${told.status} instead of ${status}: ${told.text}`);
    }
  };
  await Promise.all(Array.from({ length: 4 }, lane));
}

async function costs(server: BenchServer, tokens: Tokens): Promise<Cost[]> {
  const kinds = [
    ['taken', tokens.b, 204],
    ['over a limit', tokens.closed, 429],
  ] as const;
  const rows = [10, 1000].flatMap((samples) =>
    kinds.map(([kind, token, status]) => ({ kind, token, status, samples, us: [] as number[] })),
  );
  for (let round = 0; round < 1 + COST_ROUNDS; round++)
    for (const { token, status, samples, us } of rows) {
      const body = lines('cost', samples, 1_750_000_000_000);
      const before = await cpuMs(server.pid);
      await burst(writeUrl(server.url), token, body, status);
      // The first round compiles.
      if (round > 0) us.push((((await cpuMs(server.pid)) - before) * 1000) / BURST);
    }
  return rows.map(({ kind, status, samples, us }) => ({ kind, status, samples, us }));
}

// ---------------------------------------------------------------- all of it

interface Tokens {
  readonly a: string;
  readonly b: string;
  readonly closed: string;
}

async function openTenants(url: string, data: string): Promise<Tokens> {
  const admin = (await readFile(join(data, 'admin-token'), 'utf8')).trim();
  const make = async (path: string, body: object): Promise<string> => {
    const { status, text } = await send(`${url}/orrery/v1/${path}`, admin, JSON.stringify(body));
    if (status !== 201) throw new Error(`${path}: ${status} ${text}`);
    return text;
  };
  const tenant = async (name: string, limits: Record<string, number>): Promise<string> => {
    await make('tenants', { name, limits });
    const draft = { name: 'bench', permissions: ['read', 'write'] };
    return (JSON.parse(await make(`tenants/${name}/tokens`, draft)) as { token: string }).token;
  };
  const closed = await tenant('closed', { 'points-per-day': 1 });
  const tokens = { a: await tenant('a', LIMITS), b: await tenant('b', {}), closed };
  await send(writeUrl(url), closed, 'first v=1 1750000000000');
  await send(writeUrl(url), tokens.a, lines('loud', LOUD_SAMPLES, Date.now()));
  return tokens;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

interface Round {
  readonly kind: string;
  readonly writes: Latency;
  readonly queries: Latency;
  readonly flood: Flooded | undefined;
  readonly load: number;
}

async function rounds(url: string, quiet: Quiet, tokens: Tokens): Promise<Round[]> {
  const all: Round[] = [];
  await quiet.run(WARM_MS);
  for (let round = 0; round < ROUNDS; round++) {
    const [load] = loadavg();
    all.push({ kind: 'alone', ...(await quiet.run()), flood: undefined, load: load! });
    const a = await beside(['tenant', url, tokens.a], () => quiet.run());
    all.push({ kind: 'a tenant', ...a.result, flood: a.flood, load: load! });
    const bad = await beside(['bad-tokens', url], () => quiet.run());
    all.push({ kind: 'bad tokens', ...bad.result, flood: bad.flood, load: load! });
  }
  return all;
}

function cell(value: number): string {
  return value.toFixed(1).padStart(8);
}

/** Something wanted, as a line of the last table. */
interface Wanted {
  readonly what: string;
  readonly value: number;
  readonly bound: string;
  readonly isMet: boolean;
}

function atMost(what: string, value: number, most: number): Wanted {
  return { what, value, bound: `<= ${most}`, isMet: value <= most };
}

function atLeast(what: string, value: number, least: number): Wanted {
  return { what, value, bound: `>= ${least}`, isMet: value >= least };
}

function latenciesWanted(all: readonly Round[]): Wanted[] {
  const p99 = (kind: string, of: 'writes' | 'queries'): number =>
    median(all.filter((one) => one.kind === kind).map((one) => one[of].p99Ms));
  return FLOODS.flatMap((kind) =>
    (['writes', 'queries'] as const).map((of) => {
      const ratio = p99(kind, of) / p99('alone', of);
      return atMost(`p99 of ${of} beside ${kind}, times of alone`, ratio, P99_RATIO_MAX);
    }),
  );
}

/** Was it a flood, was no more let in than the limits say, and are refusals what they should be? */
function floodsWanted(all: readonly Round[]): Wanted[] {
  return all.flatMap(({ kind, flood }) => {
    if (flood === undefined) return [];
    const { seconds, sent, byStatus, wrong } = flood;
    const wrongCount = Object.values(wrong).reduce((sum, count) => sum + count, 0);
    const right = atMost(`refusals to ${kind} that are not what they should be`, wrongCount, 0);
    if (kind !== 'a tenant') return [right];
    const perSecond = (count = 0): number => count / seconds;
    const samples = perSecond(sent['write']) * LOUD_SAMPLES;
    const taken = perSecond(byStatus['write 204']) * LOUD_SAMPLES;
    const cost = perSecond(sent['query']) * 60 * LOUD_QUERY_COST;
    // A burst of one second, and the body that went over it.
    const most = 1 + (1 + LOUD_SAMPLES / SAMPLES_PER_SECOND) / seconds;
    return [
      // Timers are late now and then.
      atLeast('samples sent, times of the limit', samples / SAMPLES_PER_SECOND, TIMES * 0.95),
      atLeast('queries sent, times of the limit', cost / QUERY_COST_PER_MINUTE, TIMES * 0.95),
      atMost('samples taken, times of the limit', taken / SAMPLES_PER_SECOND, round3(most)),
      atLeast('writes refused', byStatus['write 429'] ?? 0, 1),
      atLeast('queries refused', byStatus['query 429'] ?? 0, 1),
      right,
    ];
  });
}

function round3(value: number): number {
  return Math.ceil(value * 1000) / 1000;
}

/** Of rounds that took turns the median of the differences. */
function costsWanted(rows: readonly Cost[]): Wanted[] {
  return rows.flatMap(({ kind, samples, us }) => {
    const taken = rows.find((one) => one.samples === samples && one.status === 204)!;
    if (kind === taken.kind) return [];
    const more = median(us.map((one, i) => one - taken.us[i]!));
    return [atMost(`us of CPU, ${kind} over a 204 of ${samples} samples`, more, REFUSAL_US_MAX)];
  });
}

function print(all: readonly Round[], costRows: readonly Cost[]): void {
  console.log('beside          writes, ms: p50  p99     max   queries: p50  p99     max    load');
  for (const { kind, writes, queries, load } of all) {
    const cells = [writes, queries].flatMap((one) => [one.p50Ms, one.p99Ms, one.maxMs]);
    console.log(`${kind.padEnd(20)}${[...cells, load].map(cell).join('')}`);
  }
  for (const { kind, flood } of all)
    if (flood !== undefined) console.log(kind.padEnd(12), JSON.stringify(flood));
  console.log('\nCPU of the server, us a request (median; least to most of the rounds)');
  for (const { kind, samples, status, us } of costRows) {
    const name = `${String(samples).padStart(5)} samples, ${kind} (${status})`;
    console.log(
      `${name.padEnd(36)}${cell(median(us))}${cell(Math.min(...us))}${cell(Math.max(...us))}`,
    );
  }
}

function printWanted(wanted: readonly Wanted[]): void {
  console.log(`\n${'wanted'.padEnd(62)}${'bound'.padStart(12)}${'value'.padStart(12)}`);
  for (const { what, value, bound, isMet } of wanted) {
    const shown = value.toFixed(2).padStart(12);
    console.log(`${what.padEnd(62)}${bound.padStart(12)}${shown}  ${isMet ? 'met' : 'MISSED'}`);
  }
}

async function run(server: BenchServer, data: string): Promise<void> {
  const tokens = await openTenants(server.url, data);
  const quiet = new Quiet(server.url, tokens.b);
  const all = await rounds(server.url, quiet, tokens);
  const { written, there } = await quiet.counted();
  const costRows = await costs(server, tokens);
  const wanted = [
    ...latenciesWanted(all),
    ...floodsWanted(all),
    atMost(`points of the quiet one lost or twice, of ${written}`, Math.abs(written - there), 0),
    ...costsWanted(costRows),
  ];
  if (options.json) {
    const counted = { written, there };
    console.log(JSON.stringify({ rounds: all, counted, costs: costRows, wanted }));
  } else {
    print(all, costRows);
    printWanted(wanted);
  }
  if (wanted.some(({ isMet }) => !isMet)) process.exitCode = 1;
}

async function main(): Promise<void> {
  const data = await mkdtemp(join(options.dir, 'orrery-neighbour-'));
  try {
    const server = await startServer(['--data', data, '--auth', 'token', '--slow-query', 'none']);
    try {
      await run(server, data);
    } finally {
      await server.stop();
    }
  } finally {
    await rm(data, { recursive: true, force: true });
  }
}

const [kind, url = '', token = ''] = positionals;
process.on('message', (message) => {
  if (message === 'begin') flooded = nothing();
  else process.send?.({ ...flooded, seconds: (performance.now() - flooded.beganMs) / 1000 });
});
if (kind === 'tenant') await floodOfTenant(url, token);
else if (kind === 'bad-tokens') await floodOfBadTokens(url);
else await main();
