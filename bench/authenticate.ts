// `npm exec -- node bench/authenticate.ts [--requests N]`: what it costs to find out who is asking,
// in this process: from the headers of a request to its principal, and to its refusal. CPU time
// (user and system) a request, the median of rounds that take turns; 10,000 tenants with a token
// each, of which requests show one after the other. With gates: also what limits ask of a write of
// 1000 samples, from the look before its body is read to its end; of a tenant that is over, too.
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { parseArgs } from 'node:util';
import { realClock } from '../src/app/real/clock.ts';
import { realPrng } from '../src/app/real/prng.ts';
import { credentialsOf } from '../src/frontends/http/credentials.ts';
import type { Principal } from '../src/model/tenant.ts';
import { silentLogger } from '../src/telemetry/logger.ts';
import { MetricsRegistry } from '../src/telemetry/registry.ts';
import type { Authenticator } from '../src/tenancy/authenticator.ts';
import { OpenAuthenticator } from '../src/tenancy/authenticator.ts';
import { LimitBook } from '../src/tenancy/limit-book.ts';
import { Quotas } from '../src/tenancy/quotas.ts';
import { TenancyCopy } from '../src/tenancy/tenant-lookup.ts';
import { TokenAuthenticator } from '../src/tenancy/token-authenticator.ts';
import { WatchedAuthenticator } from '../src/tenancy/watched-authenticator.ts';
import { mintToken } from '../src/tenancy/token.ts';
import { manyTokens } from './many-tokens.ts';
import { answerHelp } from './help.ts';

answerHelp(import.meta.filename);
const { values: options } = parseArgs({
  options: { requests: { type: 'string', default: '200000' } },
});
const REQUESTS = Number(options.requests);
const TENANTS = 10_000;
const ROUNDS = 7;
const ROTATED = 64;

const { tenants, tokens, secrets } = manyTokens(TENANTS);

const lookup = new TenancyCopy({ tenants, tokens });
const matchersOf = () => [];
const watched = { clock: realClock, logger: silentLogger, registry: new MetricsRegistry() };
const byToken = new WatchedAuthenticator(
  new TokenAuthenticator({ lookup, clock: realClock, matchersOf }),
  watched,
);
const open = new OpenAuthenticator([], lookup);

/** Requests as the parser of the system leaves them. */
function requests(headersOf: (i: number) => Record<string, string>): readonly IncomingMessage[] {
  return Array.from({ length: ROTATED }, (_, i) => {
    const request = new IncomingMessage(new Socket());
    Object.assign(request.headers, headersOf(i * 151));
    return request;
  });
}

const bent = (token: string): string => token.slice(0, -1) + (token.endsWith('a') ? 'b' : 'a');
const basic = (token: string): string => `Basic ${Buffer.from(`u:${token}`).toString('base64')}`;

interface Row {
  readonly name: string;
  readonly authenticator: Authenticator;
  readonly requests: readonly IncomingMessage[];
  readonly quotas: Quotas | undefined;
  readonly timesNs: number[];
}

function row(
  name: string,
  authenticator: Authenticator,
  headersOf: (token: string) => Record<string, string>,
  quotas?: Quotas,
): Row {
  const made = requests((i) => headersOf(secrets[i % TENANTS]!));
  return { name, authenticator, requests: made, quotas, timesNs: [] };
}

function quotasWith(limits: Record<string, number>): Quotas {
  const book = new LimitBook(limits);
  return new Quotas({ limitsOf: book.of.bind(book), clock: realClock });
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const rows: readonly Row[] = [
  row('open, no header', open, () => ({})),
  row('open, X-Scope-OrgID', open, () => ({ 'x-scope-orgid': 'tenant-7' })),
  row('bearer', byToken, bearer),
  row('bearer with gates', byToken, bearer, quotasWith({})),
  row('bearer, over a limit', byToken, bearer, quotasWith({ 'points-per-day': 0 })),
  row('basic', byToken, (token) => ({ authorization: basic(token) })),
  row('X-Warp10-Token', byToken, (token) => ({ 'x-warp10-token': token })),
  row('refused: none', byToken, () => ({})),
  row('refused: no token', byToken, () => ({ authorization: 'Bearer secret' })),
  row('refused: wrong secret', byToken, (token) => ({ authorization: `Bearer ${bent(token)}` })),
  row('refused: unknown id', byToken, () => ({
    authorization: `Bearer ${mintToken(realPrng).token}`,
  })),
];

const BODY_BYTES = 40_000;
const SAMPLES = 1000;

/** As the door and the ingest do. */
function passGates(quotas: Quotas, principal: Principal): void {
  quotas.checkWrite(principal, BODY_BYTES);
  const gate = quotas.gate(principal);
  gate.enterWrite(BODY_BYTES);
  gate.takeSamples(SAMPLES, 'influx');
  gate.leaveWrite(BODY_BYTES);
}

function run({ authenticator, requests: all, quotas, timesNs }: Row): void {
  const before = process.cpuUsage();
  for (let i = 0; i < REQUESTS; i++)
    try {
      const given = credentialsOf(all[i % ROTATED]!, undefined);
      const principal = authenticator.authenticate(given, 'write');
      if (quotas !== undefined) passGates(quotas, principal);
    } catch {
      // Refused, as its row says.
    }
  const { user, system } = process.cpuUsage(before);
  timesNs.push(((user + system) * 1000) / REQUESTS);
}

for (let round = 0; round < ROUNDS; round++) for (const one of rows) run(one);
for (const { name, timesNs } of rows) {
  // The first round compiles.
  const sorted = timesNs.slice(1).toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)]!;
  process.stdout.write(`${name.padEnd(24)} ${(median / 1000).toFixed(2).padStart(6)} us\n`);
}
