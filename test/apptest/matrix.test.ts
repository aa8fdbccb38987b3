// The matrix: what each protocol writes comes back, by PromQL bit for bit where a double holds it,
// by the exact export always, from memory and from parts. Generated from matrix/protocols.ts: a row
// is a protocol, and whatever its row does not except must come back; what it says is refused must
// be told and store nothing.
import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:http';
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startOrrery } from './harness.ts';
import type { RunningOrrery } from './harness.ts';
import { SCRAPED } from './matrix/expositions.ts';
import { bitsOf, casesOf, doubleOf } from './matrix/points.ts';
import type { Case, Point, Value } from './matrix/points.ts';
import { limitOf } from './matrix/protocol.ts';
import type { Limit, Protocol, Target } from './matrix/protocol.ts';
import { LISTENER_FLAGS, PROTOCOLS } from './matrix/protocols.ts';

const STALE_BITS = 0x7ff0_0000_0000_0002n;
const DATAGRAM_LINES = 8;
const PAGES = join(import.meta.dirname, '../../docs/protocols');

let orrery: RunningOrrery;
/** What the collector is given, and who waits until it has been. */
let page = '';
const waiting: (() => void)[] = [];
const scraped = createServer((_request, response) => {
  response.setHeader('Content-Type', 'text/plain; version=0.0.4');
  response.end(page);
  for (const done of waiting.splice(0)) response.once('close', done);
});

before(async () => {
  await new Promise<void>((resolve) => scraped.listen(0, '127.0.0.1', resolve));
  const { port } = scraped.address() as AddressInfo;
  const { job, instance } = SCRAPED;
  const asked = `job=${job},instance=${instance},interval=200ms`;
  const collector = ['--scrape', `${asked},http://127.0.0.1:${port}/`, '--scrape-interval', '1h'];
  const listeners = LISTENER_FLAGS.flatMap((flag) => [`--${flag}`, '127.0.0.1:0']);
  const names = ['--otlp-translation', 'NoTranslation'];
  orrery = await startOrrery(['--no-collect', ...collector, ...names, ...listeners]);
});
after(async () => {
  const exited = await orrery.stop();
  scraped.closeAllConnections();
  scraped.close();
  assert.equal(exited.code, 0, exited.stdout + exited.stderr);
});

function portOf(flag: string): number {
  return Number(String(orrery.ready[flag]).split(':').at(-1));
}

const target: Target = {
  async post(path, body, headers = {}) {
    const bytes = typeof body === 'string' ? body : new Uint8Array(body);
    const { status, text } = await orrery.post(path, bytes, { headers });
    return { status, text };
  },
  async lines(flag, text) {
    const socket = net.connect({ port: portOf(flag), host: '127.0.0.1', allowHalfOpen: true });
    await once(socket, 'connect');
    socket.resume();
    socket.end(text);
    await once(socket, 'close');
    return undefined;
  },
  async datagrams(flag, lines) {
    const socket = dgram.createSocket('udp4');
    for (let at = 0; at < lines.length; at += DATAGRAM_LINES) {
      const datagram = lines.slice(at, at + DATAGRAM_LINES).join('\n');
      await new Promise((resolve) => socket.send(datagram, portOf(flag), '127.0.0.1', resolve));
    }
    socket.close();
    return undefined;
  },
  async page(text) {
    page = text;
    await new Promise<void>((resolve) => waiting.push(resolve));
    return undefined;
  },
};

interface Stored {
  readonly value: Value;
  readonly tUs: bigint;
  readonly subNs: bigint;
}

/** By name and labels. */
type Series = ReadonlyMap<string, Stored>;

function keyOf(labels: Readonly<Record<string, string>>): string {
  const entries = Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(entries);
}

function identityOf(protocol: Protocol, point: Point): string {
  const { name, labels } = protocol.identity?.(point) ?? point;
  return keyOf({ ...labels, __name__: name });
}

function expectedOf(protocol: Protocol, cases: readonly Case[]): Series {
  const expected = new Map<string, Stored>();
  for (const one of cases) {
    const subNs = ((one.timeNs % 1000n) + 1000n) % 1000n;
    const value = protocol.stored?.(one.value) ?? one.value;
    const key = identityOf(protocol, one);
    assert.ok(!expected.has(key), `two cases are one series: ${key}`);
    expected.set(key, { value, tUs: (one.timeNs - subNs) / 1000n, subNs });
  }
  return expected;
}

/** Numbers stay the texts that they are, so that no digit is lost. */
function parseJson(text: string): unknown {
  const reviver = (_key: string, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' ? { number: context!.source! } : value;
  return JSON.parse(text, reviver);
}

interface NumberText {
  readonly number: string;
}

function exportedValue(kind: string, value: unknown): Value {
  if (kind === 'boolean') return { kind, truth: value as boolean };
  if (kind === 'string') return { kind, text: value as string };
  if (kind === 'i64' || kind === 'u64') return { kind, digits: BigInt(value as string) };
  assert.equal(kind, 'f64');
  if (typeof value === 'object')
    return { kind, bits: bitsOf(Number((value as NumberText).number)) };
  const hex = /^NaN:([0-9a-f]{16})$/.exec(value as string);
  if (hex !== null) return { kind, bits: BigInt(`0x${hex[1]}`) };
  return { kind, bits: value === 'NaN' ? 0x7ff8_0000_0000_0000n : bitsOf(Number(value)) };
}

function selectorOf(prefix: string): string {
  return `{__name__=~"(?s:(m_)?${prefix}.*)"}`;
}

async function byExport(prefix: string): Promise<Series> {
  const matcher = encodeURIComponent(selectorOf(prefix));
  const { status, text } = await orrery.get(`/api/v1/export?exact=1&match[]=${matcher}`);
  assert.equal(status, 200, text);
  const found = new Map<string, Stored>();
  for (const line of text.split('\n').filter((one) => one !== '')) {
    const { metric, kind, values, timestampsUs, subNs } = parseJson(line) as {
      metric: Record<string, string>;
      kind: string;
      values: readonly unknown[];
      timestampsUs: readonly NumberText[];
      subNs?: readonly NumberText[];
    };
    assert.equal(values.length, 1, line);
    found.set(keyOf(metric), {
      value: exportedValue(kind, values[0]),
      tUs: BigInt(timestampsUs[0]!.number),
      subNs: BigInt(subNs?.[0]!.number ?? '0'),
    });
  }
  return found;
}

/** `-1.5` and whole microseconds, and back. */
function secondsText(us: bigint): string {
  const size = us < 0n ? -us : us;
  const fraction = String(size % 1_000_000n).padStart(6, '0');
  return `${us < 0n ? '-' : ''}${size / 1_000_000n}.${fraction}`;
}

function microseconds(seconds: string): bigint {
  const [whole, fraction = ''] = seconds.replace('-', '').split('.');
  const us = BigInt(whole! + fraction.padEnd(6, '0'));
  return seconds.startsWith('-') ? -us : us;
}

/** What PromQL sees of a value; undefined: nothing. */
function asDouble(value: Value): number | undefined {
  if (value.kind === 'string') return undefined;
  if (value.kind === 'boolean') return value.truth ? 1 : 0;
  if (value.kind !== 'f64') return Number(value.digits);
  return value.bits === STALE_BITS ? undefined : doubleOf(value.bits);
}

async function byPromql(prefix: string, expected: Series): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const tUs of new Set([...expected.values()].map((one) => one.tUs))) {
    const query = `${selectorOf(prefix)}[1ms]`;
    const form = new URLSearchParams({ query, time: secondsText(tUs) }).toString();
    const { status, text } = await orrery.get(`/api/v1/query?${form}`);
    assert.equal(status, 200, text);
    const { data } = parseJson(text) as {
      data: {
        result: readonly {
          metric: Record<string, string>;
          values: readonly (readonly [NumberText, string])[];
        }[];
      };
    };
    for (const { metric, values } of data.result) {
      assert.equal(values.length, 1, keyOf(metric));
      const [[time, value]] = values as [[NumberText, string]];
      const double = Number(value.replace('Inf', 'Infinity'));
      found.set(keyOf(metric), shown(double, microseconds(time.number)));
    }
  }
  return found;
}

function shown(value: number, tUs: bigint): string {
  return `${Number.isNaN(value) ? 'NaN' : bitsOf(value).toString(16)} at ${tUs}`;
}

function storedText({ value, tUs, subNs }: Stored): string {
  const { kind } = value;
  if (kind === 'boolean') return `${value.truth} at ${tUs}.${subNs}`;
  if (kind === 'string') return `${JSON.stringify(value.text)} at ${tUs}.${subNs}`;
  const digits = kind === 'f64' ? value.bits.toString(16) : value.digits;
  return `${kind} ${digits} at ${tUs}.${subNs}`;
}

function texts(series: Series): ReadonlyMap<string, string> {
  return new Map([...series].map(([key, stored]) => [key, storedText(stored)]));
}

function differences(
  by: string,
  found: ReadonlyMap<string, string>,
  expected: ReadonlyMap<string, string>,
): string[] {
  const out: string[] = [];
  for (const key of new Set([...expected.keys(), ...found.keys()])) {
    const [is, should] = [found.get(key) ?? 'nothing', expected.get(key) ?? 'nothing'];
    if (is !== should) out.push(`${by}: ${key} is ${is} and not ${should}`);
  }
  return out;
}

async function check(prefix: string, expected: Series): Promise<void> {
  const doubles = new Map<string, string>();
  for (const [key, { value, tUs }] of expected) {
    const double = asDouble(value);
    if (double !== undefined) doubles.set(key, shown(double, tUs));
  }
  assert.deepEqual(
    [
      ...differences('export', texts(await byExport(prefix)), texts(expected)),
      ...differences('PromQL', await byPromql(prefix, expected), doubles),
    ],
    [],
  );
}

/** Protocols without answers are read a little later. */
async function untilThere(prefix: string, count: number): Promise<void> {
  for (let i = 0; i < 100; i++) {
    if ((await byExport(prefix)).size >= count) return;
    await sleep(30);
  }
}

async function sendAlone(protocol: Protocol, one: Case, { how, why }: Limit): Promise<void> {
  const answer = await protocol.send(target, [one]);
  if (answer === undefined) return;
  // OTLP tells it within a success.
  const isPartial = protocol.page === 'otlp' && !['', '{}'].includes(answer.text);
  const isTold = (answer.status >= 400 && answer.status < 500) || isPartial;
  const what = `${one.what}: ${answer.status} ${answer.text} (${why})`;
  assert.equal(isTold, how === 'refused', what);
}

/** The same, at the one time at which all of it came. */
async function arrived(prefix: string, expected: Series, sentMs: number): Promise<Series> {
  const times = new Set(Array.from((await byExport(prefix)).values(), ({ tUs }) => tUs));
  assert.equal(times.size, 1, [...times].join());
  const [tUs = 0n] = times;
  assert.ok(tUs >= BigInt(sentMs) * 1000n && tUs <= BigInt(Date.now()) * 1000n, `at ${tUs}`);
  return new Map([...expected].map(([key, stored]) => [key, { ...stored, tUs }]));
}

const flushed: (readonly [string, Series])[] = [];

for (const [index, protocol] of PROTOCOLS.entries())
  describe(protocol.name, () => {
    const prefix = `p${index}c`;
    const cases = casesOf(prefix);
    const carried = cases.filter((one) => limitOf(protocol, one) === undefined);

    test('what it carries comes back', async () => {
      await access(join(PAGES, `${protocol.page}.md`));
      assert.ok(carried.length > 60, `${carried.length} of ${cases.length}`);
      const sentMs = Date.now();
      const answer = await protocol.send(target, carried);
      if (answer !== undefined) assert.ok(answer.status < 300, answer.text.slice(0, 2000));
      let expected = expectedOf(protocol, carried);
      if (answer === undefined) await untilThere(prefix, expected.size);
      if (protocol.arrives === true) expected = await arrived(prefix, expected, sentMs);
      await check(prefix, expected);
      flushed.push([prefix, expected]);
    });

    test('what it does not carry stores nothing, and is told', async () => {
      for (const one of cases) {
        const limit = limitOf(protocol, one);
        if (limit !== undefined && limit.how !== 'absent') await sendAlone(protocol, one, limit);
      }
      // A push would be another point of its series.
      if (protocol.arrives === true) return;
      // Behind all of it, on a connection of its own, something that is kept.
      await protocol.send(target, [carried[0]!]);
      await check(prefix, expectedOf(protocol, carried));
    });
  });

test('all of it again, from parts', async () => {
  assert.equal(flushed.length, PROTOCOLS.length);
  assert.equal((await orrery.post('/orrery/v1/admin/compact', '')).status, 200);
  for (const [prefix, expected] of flushed) await check(prefix, expected);
});
