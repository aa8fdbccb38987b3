// `npm run bench:tenancy [-- --requests N] [--rounds N] [--starts N]`: what authentication, limits
// and use cost together. CPU time (user and system) a request, once it is warm, in two ways.
// Of themselves, in this process: from the headers of a write to its principal, the look before its
// body is read, its gate, its samples and its use; the same of a query. Writes of 1 to 100,000
// samples must cost the same: nothing is asked per point.
// With and without: three processes, one door, ingest and dictionary each over a storage that keeps
// nothing; one asks for tokens and limits and counts use in a catalog, two do none of it. The same
// body of ten samples is sent to them in turns, a short burst each. The two equals say what the
// machine and the compiler make of nothing: a difference between them is no cost. Wanted is what
// the third takes more than their mean; the median of rounds, and of that the median of starts.
// Use is committed each 0.8 s however many requests there were, so a commit is no cost of a
// request: it happens between bursts, and is told apart.
// Exits with 1 where more is asked than is wanted: 5 us a request, nothing a point.
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { IncomingMessage } from 'node:http';
import { connect, Socket } from 'node:net';
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
    requests: { type: 'string', default: '500' },
    rounds: { type: 'string', default: '41' },
    starts: { type: 'string', default: '5' },
  },
});
const REQUESTS = Number(options.requests);
const ROUNDS = Number(options.rounds);
const STARTS = Number(options.starts);
const WANTED_US = 5;
/** What two sizes of a write may differ by, in all: clocks and caches are never quite the same. */
const WANTED_SIZES_US = 0.5;
const TENANTS = 1000;
const ROTATED = 64;
const LANES = 4;
const CALLS = 20_000;
/** Of each side, before they are compared. */
const WARM_REQUESTS = 20_000;
const WARM_BURST = 1000;
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
  // It commits when it is told to: its time would be that of whoever is measured then.
  const scheduler = { ...realScheduler, after: () => () => {} };
  const parts = { catalog, clock: realClock, scheduler, onError };
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
async function serve(house: House | undefined): Promise<number> {
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
  return port;
}

const NOBODY = { tenants: [], tokens: [] };

/** CPU of a process without its commits of use, and of the last commit alone. */
interface Spent {
  readonly us: number;
  readonly commitUs: number;
}

/** In a process of its own: says where it listens, and then what it spent whenever it is asked. */
async function child(directory: string): Promise<void> {
  const house = directory === '' ? undefined : await openHouse(directory);
  const port = await serve(house);
  let committedUs = 0;
  const report = async (): Promise<void> => {
    const { user, system } = process.cpuUsage();
    const us = user + system - committedUs;
    await house?.usage.keep();
    const after = process.cpuUsage();
    const commitUs = after.user + after.system - user - system;
    committedUs += commitUs;
    process.send!({ us, commitUs } satisfies Spent);
  };
  process.on('message', () => void report().catch(onError));
  process.send!({ port, token: house?.secrets[0] ?? '' });
}

interface Side {
  readonly process: ChildProcess;
  readonly request: Buffer;
  readonly lanes: readonly Socket[];
  readonly us: number[];
  readonly commitUs: number[];
  spentUs: number;
}

const BODY = Array.from({ length: 10 }, (_, i) => `cost,host=h${i} v=${i} 1750000000000`).join(
  '\n',
);

async function startSide(directory: string): Promise<Side> {
  const started = fork(import.meta.filename, ['serve', directory]);
  const [{ port, token }] = (await once(started, 'message')) as [{ port: number; token: string }];
  const lanes: Socket[] = [];
  for (let i = 0; i < LANES; i++) {
    const lane = connect({ host: '127.0.0.1', port, noDelay: true });
    await once(lane, 'connect');
    lanes.push(lane);
  }
  // The same bytes come to all; one of them looks.
  const head = [
    'POST /write?precision=ms HTTP/1.1',
    `Host: 127.0.0.1:${port}`,
    `Authorization: Bearer ${token.padEnd(69, 'a')}`,
    `Content-Length: ${BODY.length}`,
  ];
  const request = Buffer.from(`${head.join('\r\n')}\r\n\r\n${BODY}`);
  return { process: started, request, lanes, us: [], commitUs: [], spentUs: 0 };
}

async function spent({ process: asked }: Side): Promise<Spent> {
  const told = once(asked, 'message');
  asked.send('spent');
  const [answer] = (await told) as [Spent];
  return answer;
}

/** One request after the other on each connection, until so many are answered. */
async function burst({ lanes, request }: Side, count: number): Promise<void> {
  let left = count;
  const ask = (lane: Socket): Promise<void> =>
    new Promise((fulfil, reject) => {
      let answer = '';
      const end = (error?: Error): void => {
        lane.off('data', hear);
        if (error === undefined) fulfil();
        else reject(error);
      };
      const next = (): void => {
        if (left-- > 0) lane.write(request);
        else end();
      };
      const hear = (bytes: Buffer): void => {
        answer += bytes.toString('latin1');
        // There is no body in it.
        if (!answer.endsWith('\r\n\r\n')) return;
        if (!answer.startsWith('HTTP/1.1 204')) return end(new Error(answer));
        answer = '';
        next();
      };
      lane.on('data', hear);
      next();
    });
  await Promise.all(lanes.map(ask));
}

interface Compared {
  readonly without: number[];
  readonly with: number[];
  /** Of rounds: what the second of two equals took more than the first. */
  readonly equals: number[];
  /** Of rounds: more than the mean of the two without. */
  readonly more: number[];
  readonly commit: number[];
}

/** Whoever is first takes turns too; what a side does until it is asked again is its own. */
async function rounds(sides: readonly [Side, Side, Side], into: Compared): Promise<void> {
  for (let i = 0; i < WARM_REQUESTS; i += WARM_BURST)
    for (const side of sides) await burst(side, WARM_BURST);
  for (const side of sides) side.spentUs = (await spent(side)).us;
  for (let round = 0; round < ROUNDS; round++)
    for (let turn = 0; turn < sides.length; turn++) {
      const side = sides[(turn + round) % sides.length]!;
      await burst(side, REQUESTS);
      const { us, commitUs } = await spent(side);
      side.us.push((us - side.spentUs) / REQUESTS);
      side.spentUs = us;
      side.commitUs.push(commitUs);
    }
  const [one, other, all] = sides;
  into.without.push(...one.us, ...other.us);
  into.with.push(...all.us);
  into.equals.push(median(one.us.map((us, i) => other.us[i]! - us)));
  into.more.push(median(all.us.map((us, i) => us - (one.us[i]! + other.us[i]!) / 2)));
  into.commit.push(...all.commitUs);
}

/** Processes compile differently each time they start, so they are started several times. */
async function beside(directory: string): Promise<Compared> {
  const compared: Compared = { without: [], with: [], equals: [], more: [], commit: [] };
  for (let start = 0; start < STARTS; start++) {
    const catalog = await mkdtemp(join(directory, 'served-'));
    const sides = [await startSide(''), await startSide(''), await startSide(catalog)] as const;
    try {
      await rounds(sides, compared);
    } finally {
      for (const side of sides) {
        const exited = once(side.process, 'exit');
        for (const lane of side.lanes) lane.destroy();
        side.process.kill('SIGKILL');
        await exited;
      }
    }
  }
  return compared;
}

// ---------------------------------------------------------------- all of it

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

/** What it costs to keep what as many tenants used. */
async function commits({ usage }: House): Promise<readonly number[]> {
  const us: number[] = [];
  for (let round = 0; round < 1 + ROUNDS; round++) {
    for (let i = 0; i < TENANTS; i++)
      usage.countRequests({ tenant: `tenant-${i}`, tokenId: `token-${i}`, protocol: PROTOCOL }, 1);
    const before = process.cpuUsage();
    await usage.keep();
    const { user, system } = process.cpuUsage(before);
    if (round > 0) us.push(user + system);
  }
  return us;
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
    const house = await openHouse(directory);
    const rows = await direct(house);
    for (const { name, us } of rows) tell(name, us, WANTED_US);
    const [one, , many] = rows as readonly [Row, Row, Row];
    const more = many.us.map((us, i) => us - one.us[i]!);
    tell('99,999 samples more', more, WANTED_SIZES_US);
    const { with: all, without, equals, more: added, commit } = await beside(directory);
    tell('a write of 10 samples over HTTP, without', without);
    tell('the same with tokens, limits and use', all);
    tell(`of ${STARTS} starts: two without, the difference`, equals);
    tell(`of ${STARTS} starts: what they add`, added, WANTED_US);
    tell('not in it, each 0.8 s: a commit of one row', commit);
    tell('a commit of 1,000 rows', await commits(house));
    if (isMissed) process.exitCode = 1;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const [kind, directory = ''] = positionals;
if (kind === 'serve') await child(directory);
else await main();
