// Walks the route table as somebody who has no business with a tenant: twice with the same
// questions, once with names that the tenant has and once with names that nobody has. Neither walk
// is told a secret, and by no answer the two can be told apart.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { productRoutes } from '../../../src/app/server/routes.ts';
import type { RouteDependencies } from '../../../src/app/server/routes.ts';
import { decodeSnappy } from '../../../src/codec/snappy.ts';
import { routePaths } from '../../../src/frontends/http/route.ts';
import type { Route } from '../../../src/frontends/http/route.ts';
import { MARK, NO_MARK, SECRETS } from './secrets.ts';
import type { Asker, Reply } from './secrets.ts';
import { VISITS } from './visits.ts';
import type { Guess, Visit } from './visits.ts';

/** The table itself needs nothing; only handlers do. */
export const ROUTES: readonly Route[] = productRoutes({} as RouteDependencies);

export interface Walker {
  readonly ask: Asker;
  readonly guess: Guess;
}

interface Answered {
  readonly what: string;
  readonly route: Route;
  readonly reply: Reply;
}

function pathOf(path: string, { params = {}, query = '' }: Visit): string {
  const filled = path
    .replaceAll(/:(\w+)/g, (_, name: string) => params[name] ?? 'x')
    .replace(/\*\w+/, 'x/x');
  const search = typeof query === 'string' ? query : new URLSearchParams(query).toString();
  return search === '' ? filled : `${filled}?${search}`;
}

/** The messages of a stream of frames: length, checksum, message. */
function messagesOf(bytes: Uint8Array): Uint8Array {
  const out: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!;
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    out.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return Buffer.concat(out);
}

/** Reads an answer of any protocol as bytes. */
export async function replyOf(answer: Response): Promise<Reply> {
  const { status, headers } = answer;
  let bytes: Uint8Array = Buffer.from(await answer.arrayBuffer());
  if (bytes.length > 0 && headers.get('content-encoding') === 'snappy')
    bytes = decodeSnappy(bytes, 1 << 26);
  if (headers.get('content-type')?.startsWith('application/x-streamed-protobuf') === true)
    bytes = messagesOf(bytes);
  return { status, headers, text: Buffer.from(bytes).toString('latin1') };
}

async function visitAll(walker: Walker, wanted: (route: Route) => boolean): Promise<Answered[]> {
  const out: Answered[] = [];
  for (const route of ROUTES.filter(wanted)) {
    const visits = VISITS.get(`${route.method} ${route.path}`);
    assert.ok(
      visits !== undefined,
      `test/apptest/isolation/visits.ts does not say how to ask ${route.method} ${route.path}`,
    );
    for (const path of routePaths(route))
      for (const [i, visit] of visits(walker.guess).entries()) {
        const { headers = {}, body } = visit;
        const init = { headers, ...(body === undefined ? {} : { body }) };
        const target = pathOf(path, visit);
        const what = `${route.method} ${path} #${i}`;
        out.push({ what, route, reply: await walker.ask(route.method, target, init) });
        if (route.method === 'GET')
          out.push({
            what: `HEAD ${path} #${i}`,
            route,
            reply: await walker.ask('HEAD', target, init),
          });
      }
  }
  return out;
}

function wholeText({ headers, text }: Reply): string {
  return [...headers].map(([name, value]) => `${name}: ${value}\n`).join('') + text;
}

/** Times and ids that differ from one answer to the next. */
function settled(text: string, { guess }: Walker): string {
  return (
    text
      .replaceAll(guess.mark, 'MARK')
      .replaceAll(Buffer.from(guess.mark).toString('base64url'), 'MARK')
      .replaceAll(guess.own, 'OWN')
      .replaceAll(/owner-of-(?:all|none|more)/g, 'TENANT')
      .replaceAll(guess.snapshot, 'SNAPSHOT')
      .replaceAll(guess.tokenId, 'TOKEN')
      .replaceAll(guess.ownTokenId, 'OWN-TOKEN')
      .replaceAll(/"(\w+Ms)":-?[\d.e-]+/g, '"$1":0')
      // Of rows of the audit log: numbers of the whole server.
      .replaceAll(/"seq":\d+/g, '"seq":0')
      // Whose token it is, and what threads have told so far.
      .replaceAll(/"token":"(?:one|two)"/g, '"token":"OWN"')
      .replaceAll(/"requests":\d+/g, '"requests":0')
      // How many values one shard has, by which series it has.
      .replaceAll(/"byLabel":\[[^\]]*\]/g, '')
      // Who sees a part of a tenant is not told of it.
      .replaceAll(/,"used":\d+/g, '')
      .replaceAll(/"started_by":\{[^{}]*\{[^{}]*\}\}/g, '"started_by":null')
      // What a series has on average where it is.
      .replaceAll(/"sampleCount":\d+,"sizeBytes":\d+/g, '')
      .replaceAll(/\b[0-9a-f]{16}\b/g, 'ID')
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
      .replaceAll(/\b1[789]\d{8}(?:\.\d+|\d{3}|\d{6})?(?:e\+\d+)?\b/g, 'TIME')
      .replaceAll(/1\.[789]\d*e\+0?9/g, 'TIME')
  );
}

/** Asks as somebody; all that came back, and what was asked. */
export async function walk(
  walker: Walker,
  wanted: (route: Route) => boolean,
): Promise<readonly { readonly what: string; readonly status: number; readonly text: string }[]> {
  return (await visitAll(walker, wanted)).map(({ what, reply }) => {
    assert.notEqual(reply.status, 500, `${what}: ${reply.text.slice(0, 500)}`);
    return { what, status: reply.status, text: wholeText(reply) };
  });
}

const MINUTE_MS = 60_000;
/** More than two walks take. */
const WALKS_MS = 20_000;

/**
 * Samples stand at whole minutes, and federation reads five of them back from now: two walks in
 * different minutes read, and are accounted, different numbers of points.
 */
async function waitForMinute(): Promise<void> {
  const leftMs = MINUTE_MS - (Date.now() % MINUTE_MS);
  if (leftMs < WALKS_MS) await sleep(leftMs);
}

/** Two who ask the same are told the same; how many answers there were. */
export async function checkSame(
  one: Walker,
  other: Walker,
  wanted: (route: Route) => boolean,
): Promise<number> {
  await waitForMinute();
  const [ones, others] = [await visitAll(one, wanted), await visitAll(other, wanted)];
  for (const [i, answered] of ones.entries())
    assert.deepEqual(comparable(answered, one), comparable(others[i]!, other), answered.what);
  return ones.length;
}

/** Headers that say something about the content. */
const COMPARED = ['content-type', 'allow', 'x-orrery-series-read', 'x-orrery-samples-read'];

function comparable({ reply }: Answered, walker: Walker): unknown {
  const headers = COMPARED.map((name) => reply.headers.get(name));
  return { status: reply.status, headers, text: settled(reply.text, walker) };
}

/**
 * `knowing` guesses names that are there, `guessing` names that are not. Routes that are not
 * `wanted` are not asked. Returns how often an answer had which status.
 */
export async function checkWalks(
  { knowing, guessing }: { readonly knowing: Walker; readonly guessing: Walker },
  wanted: (route: Route) => boolean,
): Promise<ReadonlyMap<number, number>> {
  assert.deepEqual([knowing.guess.mark, guessing.guess.mark], [MARK, NO_MARK]);
  await waitForMinute();
  const known = await visitAll(knowing, wanted);
  const guessed = await visitAll(guessing, wanted);
  const statuses = new Map<number, number>();
  for (const [i, one] of known.entries()) {
    const other = guessed[i]!;
    for (const { what, reply } of [one, other]) {
      assert.notEqual(reply.status, 500, `${what}: ${reply.text.slice(0, 500)}`);
      const told = SECRETS.find((secret) => wholeText(reply).includes(secret));
      assert.equal(told, undefined, `${what} tells ${told}: ${reply.text.slice(0, 500)}`);
      statuses.set(reply.status, (statuses.get(reply.status) ?? 0) + 1);
    }
    assert.ok(!wholeText(other.reply).includes(MARK), `${other.what} names what nobody asked for`);
    // What is about the process moves on by itself.
    if (one.route.tenantScope === 'tenant')
      assert.deepEqual(comparable(one, knowing), comparable(other, guessing), one.what);
    else assert.equal(one.reply.status, other.reply.status, one.what);
  }
  return statuses;
}
