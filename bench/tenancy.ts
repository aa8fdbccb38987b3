// `npm run bench:tenancy [-- --requests N] [--rounds N]`: what authentication, limits and use cost
// together. CPU time (user and system) a request, once it is warm, in two ways.
// Of themselves, in this process: from the headers of a write to its principal, the look before its
// body is read, its gate, its samples and its use; the same of a query. Writes of 1 to 100,000
// samples must cost the same: nothing is asked per point.
// With and without: two processes, one door, ingest and dictionary each over a storage that keeps
// nothing; one asks for tokens and limits and counts use in a catalog, the other does none of it.
// The same body of ten samples is sent to both in turns; wanted is the median of the differences.
// Exits with 1 where more is asked than is wanted: 5 us a request, nothing a point.
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, IncomingMessage, request } from 'node:http';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { realClock } from '../src/app/real/clock.ts';
import { realPrng } from '../src/app/real/prng.ts';
import { realScheduler } from '../src/app/real/scheduler.ts';
import { SqliteCatalog } from '../src/catalog/sqlite-catalog.ts';
import { credentialsOf } from '../src/frontends/http/credentials.ts';
import { HttpServer } from '../src/frontends/http/server.ts';
import { influxRoutes } from '../src/frontends/influx/routes.ts';
import { Ingest } from '../src/ingest/ingest.ts';
import type { IngestStorage } from '../src/ingest/ingest.ts';
import type { Principal } from '../src/model/tenant.ts';
import { silentLogger } from '../src/telemetry/logger.ts';
import { MetricsRegistry } from '../src/telemetry/registry.ts';
import { OpenAuthenticator } from '../src/tenancy/authenticator.ts';
import { LimitBook } from '../src/tenancy/limit-book.ts';
import { queryCost, Quotas } from '../src/tenancy/quotas.ts';
import { TenancyCopy } from '../src/tenancy/tenant-lookup.ts';
import { TokenAuthenticator } from '../src/tenancy/token-authenticator.ts';
import { UsageBook } from '../src/tenancy/usage.ts';
import { WatchedAuthenticator } from '../src/tenancy/watched-authenticator.ts';
import { manyTokens } from './many-tokens.ts';
import { answerHelp } from './help.ts';

answerHelp(import.meta.filename);
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    requests: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '41' },
  },
});
const REQUESTS = Number(options.requests);
const ROUNDS = Number(options.rounds);
const WANTED_US = 5;
/** What two sizes of a write may differ by, in all: clocks and caches are never quite the same. */
const WANTED_SIZES_US = 0.5;
const TENANTS = 1000;
const ROTATED = 64;
const LANES = 4;
const CALLS = 20_000;
/** Before both sides are compared. */
const WARM_ROUNDS = 10;
const UNREACHED = {
  'samples-per-second': 1e15,
  'samples-burst': 1e15,
  'points-per-day': 1e15,
  'query-cost-per-minute': 1e15,
};

// ---------------------------------------------------------------- who asks

interface House {
  readonly authenticator: WatchedAuthenticator;
  readonly quotas: Quotas;
  readonly usage: UsageBook;
  readonly secrets: readonly string[];
}

function onError(error: unknown): never {
  throw error;
}

async function openHouse(directory: string): Promise<House> {
  const { tenants, tokens, secrets } = manyTokens(TENANTS);
  const lookup = new TenancyCopy({ tenants, tokens });
  const watched = { clock: realClock, logger: silentLogger, registry: new MetricsRegistry() };
  const inner = new TokenAuthenticator({ lookup, clock: realClock, matchersOf: () => [] });
  // No limit is reached: 100,000 samples a call are more than a server takes.
  const book = new LimitBook(UNREACHED);
  const catalog = await SqliteCatalog.open(join(directory, 'catalog.sqlite'));
  const parts = { catalog, clock: realClock, scheduler: realScheduler, onError };
  return {
    authenticator: new WatchedAuthenticator(inner, watched),
    quotas: new Quotas({ limitsOf: book.of.bind(book), clock: realClock }),
    usage: await UsageBook.open(parts),
    secrets,
  };
}

// ---------------------------------------------------------------- of themselves

const PROTOCOL = 'influx';
const BODY_BYTES = 40_000;

function messages({ secrets }: House): readonly IncomingMessage[] {
  return Array.from({ length: ROTATED }, (_, i) => {
    const message = new IncomingMessage(new Socket());
    message.headers.authorization = `Bearer ${secrets[(i * 151) % TENANTS]!}`;
    return message;
  });
}

/** As door, ingest and storage ask, one after the other. */
function write(house: House, principal: Principal, samples: number, offset: number): void {
  const { quotas, usage } = house;
  const { tenant, tokenId } = principal;
  quotas.checkWrite(principal, BODY_BYTES);
  const gate = quotas.gate(principal);
  gate.enterWrite(BODY_BYTES);
  gate.takeSamples(samples, PROTOCOL);
  const batch = { offset, writtenMs: realClock.nowMs(), tenant, tokenId, protocol: PROTOCOL };
  usage.applied(0, batch, samples);
  gate.leaveWrite(BODY_BYTES);
  usage.countRequests({ tenant, tokenId, protocol: PROTOCOL }, 1);
}

const READ = { seriesRead: 1, samplesRead: 1 };

function query({ quotas, usage }: House, principal: Principal): void {
  const { tenant, tokenId } = principal;
  const gate = quotas.gate(principal);
  gate.enterQuery();
  gate.leaveQuery(READ, 'promql');
  const read = { samplesRead: READ.samplesRead, cost: queryCost(READ) };
  usage.countQuery({ tenant, tokenId, protocol: 'promql' }, read);
}

interface Row {
  readonly name: string;
  readonly samples: number | undefined;
  readonly us: number[];
}

async function direct(house: House): Promise<readonly Row[]> {
  const asked = messages(house);
  const rows: Row[] = [1, 1000, 100_000].map((samples) => {
    return { name: `a write of ${samples} samples`, samples, us: [] };
  });
  rows.push({ name: 'a query', samples: undefined, us: [] });
  let offset = 0;
  for (let round = 0; round < 1 + ROUNDS; round++)
    for (const { samples, us } of rows) {
      const before = process.cpuUsage();
      for (let i = 0; i < CALLS; i++) {
        const given = credentialsOf(asked[i % ROTATED]!, undefined);
        const needed = samples === undefined ? 'read' : 'write';
        const principal = house.authenticator.authenticate(given, needed);
        if (samples === undefined) query(house, principal);
        else write(house, principal, samples, offset++);
      }
      // A commit of what is counted belongs to what it costs.
      await house.usage.keep();
      const { user, system } = process.cpuUsage(before);
      // The first round compiles.
      if (round > 0) us.push((user + system) / CALLS);
    }
  return rows;
}

// ---------------------------------------------------------------- with and without

/** Takes everything, keeps nothing, and tells of each batch as the log of a shard does. */
function emptyStorage(usage: UsageBook | undefined): IngestStorage {
  let refs = 0;
  let offset = 0;
  return {
    resolve: () => refs++,
    resolveBytes: () => refs++,
    knows: () => true,
    splitOf: () => undefined,
    append: async ({ points }, { principal, protocol }) => {
      const { tenant, tokenId } = principal;
      let count = 0;
      for (const set of points) count += set.count;
      const writtenMs = realClock.nowMs();
      usage?.applied(0, { offset: offset++, writtenMs, tenant, tokenId, protocol }, count);
      return { applied: true };
    },
  };
}

/** `house` undefined: open to all, without limits, nothing is counted. */
async function serve(house: House | undefined): Promise<string> {
  const registry = new MetricsRegistry();
  const ingest = new Ingest({
    storage: emptyStorage(house?.usage),
    prng: realPrng,
    quotas: house?.quotas,
    ...(house && { onWrite: (report) => house.usage.countRequests(report, 1) }),
  });
  const server = new HttpServer({
    routes: influxRoutes({ ingest, clock: realClock }),
    authenticator: house?.authenticator ?? new OpenAuthenticator([], new TenancyCopy(NOBODY)),
    rules: { loopbackOnly: true, allowedHosts: [], corsOrigins: [] },
    logger: silentLogger,
    registry,
    clock: realClock,
    scheduler: realScheduler,
    ...(house && { writeGuard: (...given) => house.quotas.checkWrite(...given) }),
    onFatal: onError,
  });
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  return `http://127.0.0.1:${port}/write?precision=ms`;
}

const NOBODY = { tenants: [], tokens: [] };

/** In a process of its own: says where it listens, and then its CPU time whenever it is asked. */
async function child(directory: string): Promise<void> {
  const house = directory === '' ? undefined : await openHouse(directory);
  const url = await serve(house);
  process.on('message', () => process.send!(process.cpuUsage()));
  process.send!({ url, token: house?.secrets[0] ?? '' });
}

interface Side {
  readonly process: ChildProcess;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly us: number[];
}

async function startSide(directory: string): Promise<Side> {
  const started = fork(import.meta.filename, ['serve', directory]);
  const [{ url, token }] = (await once(started, 'message')) as [{ url: string; token: string }];
  // The same bytes come to both; one of them does not look.
  const headers = { Authorization: `Bearer ${token.padEnd(69, 'a')}` };
  return { process: started, url, headers, us: [] };
}

async function cpuUs({ process: asked }: Side): Promise<number> {
  const told = once(asked, 'message');
  asked.send('cpu');
  const [{ user, system }] = (await told) as [NodeJS.CpuUsage];
  return user + system;
}

const agent = new Agent({ keepAlive: true, maxSockets: LANES });

function send({ url, headers }: Side, body: string): Promise<number> {
  return new Promise((fulfil, reject) => {
    const sent = request(url, { agent, headers, method: 'POST' }, (answer) => {
      answer.resume();
      answer.on('error', reject);
      answer.on('end', () => fulfil(answer.statusCode ?? 0));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

async function burst(side: Side, body: string): Promise<void> {
  let left = REQUESTS;
  const lane = async (): Promise<void> => {
    while (left-- > 0) {
      const status = await send(side, body);
      if (status !== 204) throw new Error(`${side.url}: ${status}`);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

async function beside(directory: string): Promise<{ without: number[]; with: number[] }> {
  const sides = [await startSide(''), await startSide(directory)] as const;
  const lines = Array.from({ length: 10 }, (_, i) => `cost,host=h${i} v=${i} 1750000000000`);
  const body = lines.join('\n');
  try {
    for (let round = 0; round < WARM_ROUNDS + ROUNDS; round++) {
      const before = await Promise.all(sides.map(cpuUs));
      // Who is first takes turns too.
      for (const side of round % 2 === 0 ? sides : sides.toReversed()) await burst(side, body);
      // What a side writes down while the other one is asked is its own.
      const after = await Promise.all(sides.map(cpuUs));
      if (round < WARM_ROUNDS) continue;
      for (const [i, { us }] of sides.entries()) us.push((after[i]! - before[i]!) / REQUESTS);
    }
  } finally {
    for (const side of sides) {
      const exited = once(side.process, 'exit');
      side.process.kill('SIGKILL');
      await exited;
    }
  }
  return { without: sides[0].us, with: sides[1].us };
}

// ---------------------------------------------------------------- all of it

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

let isMissed = false;

function tell(what: string, us: readonly number[], most?: number): void {
  const [value, low, high] = [median(us), Math.min(...us), Math.max(...us)];
  const cells = [value, low, high].map((one) => one.toFixed(2).padStart(9)).join('');
  const isMet = most === undefined || value <= most;
  isMissed ||= !isMet;
  const verdict = most === undefined ? '' : `  <= ${most}: ${isMet ? 'met' : 'MISSED'}`;
  console.log(`${what.padEnd(48)}${cells}${verdict}`);
}

async function main(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'orrery-tenancy-'));
  try {
    console.log(`us of CPU, of ${ROUNDS} rounds${'median    least     most'.padStart(53)}`);
    const rows = await direct(await openHouse(directory));
    for (const { name, us } of rows) tell(name, us, WANTED_US);
    const [one, , many] = rows as readonly [Row, Row, Row];
    const more = many.us.map((us, i) => us - one.us[i]!);
    tell('99,999 samples more', more, WANTED_SIZES_US);
    const catalog = await mkdtemp(join(directory, 'served-'));
    const { with: all, without } = await beside(catalog);
    tell('a write of 10 samples over HTTP, without', without);
    tell('the same with tokens, limits and use', all);
    const difference = all.map((us, i) => us - without[i]!);
    tell('what they add', difference, WANTED_US);
    if (isMissed) process.exitCode = 1;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const [kind, directory = ''] = positionals;
if (kind === 'serve') await child(directory);
else await main();
