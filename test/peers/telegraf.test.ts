// Telegraf writes numbered points by seven of its outputs to a server that is killed again and
// again. What an output has an acknowledgement for is there in the end, once and as it was sent.
// Graphite and OpenTSDB's telnet lines have none: nothing wrong is there, and nothing is missing
// but what was on its way when the server died.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededPrng } from '../../src/stdx/prng.ts';
import {
  NO_DIFFERENCE,
  exportedPoints,
  pointTexts,
  setDifference,
} from '../support/exported-points.ts';
import { goProgram } from '../support/go-programs.ts';
import { MortalOrrery, lowPort } from '../support/mortal-orrery.ts';
import { TestProcess } from '../support/processes.ts';

const LIVES = { kills: 5, upMs: [2500, 4000], downMs: [200, 1500] } as const;
const ROOMS = 5;
const TICK_EVERY_MS = 25;
const BASE_SEC = 1_780_272_000;
const CATCH_UP_MS = 60_000;
/** How long a line may be on its way: Telegraf's interval of flushes, a slow machine, one sync. */
const ON_ITS_WAY_MS = 1500;

let folder: string;
let mortal: MortalOrrery;
let telegraf: TestProcess;
let input: Socket;
/** When each tick was handed to Telegraf. */
const sentMs: number[] = [];

interface Output {
  readonly tenant: string;
  readonly temp: string;
  readonly people: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly integers: 'i64' | 'f64';
  readonly isAcknowledged: boolean;
}

const OUTPUTS: Readonly<Record<string, Output>> = {
  influxdb: {
    tenant: 'influx-1',
    temp: 'climate_temp',
    people: 'climate_people',
    labels: { db: 'shop' },
    integers: 'i64',
    isAcknowledged: true,
  },
  influxdb_v2: {
    tenant: 'influx-2',
    temp: 'climate_temp',
    people: 'climate_people',
    labels: { db: 'shop' },
    integers: 'i64',
    isAcknowledged: true,
  },
  'http, remote write': {
    tenant: 'remote-write',
    temp: 'climate_temp',
    people: 'climate_people',
    labels: {},
    integers: 'f64',
    isAcknowledged: true,
  },
  'opentsdb over http': {
    tenant: 'default',
    temp: 'http.climate_temp',
    people: 'http.climate_people',
    labels: {},
    integers: 'f64',
    isAcknowledged: true,
  },
  warp10: {
    tenant: 'default',
    temp: 'warp.climate.temp',
    people: 'warp.climate.people',
    labels: { source: 'telegraf' },
    integers: 'i64',
    isAcknowledged: true,
  },
  'opentsdb over telnet': {
    tenant: 'default',
    temp: 'telnet.climate_temp',
    people: 'telnet.climate_people',
    labels: {},
    integers: 'f64',
    isAcknowledged: false,
  },
  graphite: {
    tenant: 'default',
    temp: 'graphite.climate.temp',
    people: 'graphite.climate.people',
    labels: {},
    integers: 'f64',
    isAcknowledged: false,
  },
};

interface Ports {
  readonly input: number;
  readonly graphite: number;
  readonly telnet: number;
}

/**
 * The serializer for remote write keeps the newest sample of a series in a batch and drops the
 * others: its batches are as long as there are rooms, so that each has one sample of each series.
 */
function configuration(ports: Ports): string {
  const tenant = (name: string): string => `{ "X-Scope-OrgID" = "${name}" }`;
  return `
[agent]
  interval = "1s"
  flush_interval = "200ms"
  metric_batch_size = 500
  metric_buffer_limit = 100000
  omit_hostname = true
[[inputs.socket_listener]]
  service_address = "tcp://127.0.0.1:${ports.input}"
  data_format = "influx"
[[outputs.influxdb]]
  urls = ["${mortal.url}"]
  database = "shop"
  http_headers = ${tenant('influx-1')}
[[outputs.influxdb_v2]]
  urls = ["${mortal.url}"]
  token = "any"
  organization = "any"
  bucket = "shop"
  http_headers = ${tenant('influx-2')}
[[outputs.http]]
  url = "${mortal.url}/api/v1/write"
  metric_batch_size = ${ROOMS}
  data_format = "prometheusremotewrite"
  [outputs.http.headers]
    Content-Type = "application/x-protobuf"
    Content-Encoding = "snappy"
    X-Prometheus-Remote-Write-Version = "0.1.0"
    X-Scope-OrgID = "remote-write"
[[outputs.opentsdb]]
  host = "http://127.0.0.1"
  port = ${mortal.port}
  prefix = "http."
  http_batch_size = 50
  http_path = "/api/put"
  separator = "_"
[[outputs.opentsdb]]
  host = "tcp://127.0.0.1"
  port = ${ports.telnet}
  prefix = "telnet."
  separator = "_"
[[outputs.warp10]]
  warp_url = "${mortal.url}"
  token = "any"
  prefix = "warp."
[[outputs.graphite]]
  servers = ["127.0.0.1:${ports.graphite}"]
  prefix = "graphite"
  graphite_tag_support = true
`;
}

const valueOf = (tick: number, room: number): number => tick + room / 8;
const peopleOf = (tick: number, room: number): number => tick * 10 + room;

/** One line a room, of a second of its own: what comes twice is written over itself. */
function linesOf(tick: number): string {
  return Array.from({ length: ROOMS }, (_, room) => {
    const fields = `temp=${valueOf(tick, room)},people=${peopleOf(tick, room)}i`;
    return `climate,room=r${room},site=north ${fields} ${BASE_SEC + tick}000000000\n`;
  }).join('');
}

async function connected(port: number): Promise<Socket> {
  for (let waitedMs = 0; ; waitedMs += 100) {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return socket;
    } catch (error) {
      if (waitedMs >= 20_000) throw new Error(`Telegraf:\n${telegraf.output}`, { cause: error });
      await sleep(100);
    }
  }
}

before(async () => {
  const program = await goProgram('telegraf');
  folder = await mkdtemp(join(tmpdir(), 'orrery-telegraf-'));
  const ports = { input: await lowPort(), graphite: await lowPort(), telnet: await lowPort() };
  const telnet = ['--opentsdb-telnet', `127.0.0.1:${ports.telnet}`];
  const graphite = ['--graphite', `127.0.0.1:${ports.graphite}`];
  mortal = await MortalOrrery.start([...graphite, ...telnet, '--shards', '2']);
  await writeFile(join(folder, 'telegraf.conf'), configuration(ports));
  telegraf = new TestProcess(program, ['--config', 'telegraf.conf'], folder);
  input = await connected(ports.input);
});

after(async () => {
  input.destroy();
  await telegraf.end('SIGKILL');
  await mortal.end();
  await rm(folder, { recursive: true, force: true });
});

async function sendUntil(isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    sentMs.push(Date.now());
    if (!input.write(linesOf(sentMs.length - 1))) await once(input, 'drain');
    await sleep(TICK_EVERY_MS);
  }
}

/** Texts of the points of some ticks, as `pointTexts` writes them. */
function expected(output: Output, ticks: readonly number[]): Set<string> {
  const texts = new Set<string>();
  const add = (name: string, room: number, kind: string, tick: number, value: unknown): void => {
    const labels = { __name__: name, room: `r${room}`, site: 'north', ...output.labels };
    const series = JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));
    texts.add(JSON.stringify([series, kind, (BASE_SEC + tick) * 1e6, value, null]));
  };
  for (const tick of ticks)
    for (let room = 0; room < ROOMS; room++) {
      const people = peopleOf(tick, room);
      add(output.temp, room, 'f64', tick, valueOf(tick, room));
      add(
        output.people,
        room,
        output.integers,
        tick,
        output.integers === 'f64' ? people : String(people),
      );
    }
  return texts;
}

async function found(output: Output): Promise<Set<string>> {
  const selector = `{__name__=~"${output.temp}|${output.people}"}`;
  return pointTexts(await exportedPoints(mortal.url, output.tenant, selector));
}

/** The difference that stays when Telegraf has had the time to send all. */
async function differenceOf(output: Output, ticks: readonly number[]) {
  const wanted = expected(output, ticks);
  for (let waitedMs = 0; ; waitedMs += 500) {
    const difference = setDifference(wanted, await found(output));
    const isSame = difference.missingCount + difference.extraCount === 0;
    if (isSame || waitedMs >= CATCH_UP_MS) return difference;
    await sleep(500);
  }
}

test('Telegraf, whose server is killed', { timeout: 300_000 }, async (t) => {
  let isOver = false;
  const sending = sendUntil(() => isOver);
  try {
    await mortal.dieOften(seededPrng(2), LIVES);
  } finally {
    isOver = true;
    await sending;
  }
  t.diagnostic(`${mortal.deaths.length} kills, ${sentMs.length * ROOMS * 2} values to each output`);
  const ticks = sentMs.map((_, tick) => tick);
  const safeTicks = ticks.filter((tick) => !mortal.mayHaveLost(sentMs[tick]!, ON_ITS_WAY_MS));
  for (const [name, output] of Object.entries(OUTPUTS).toSorted(
    ([, a], [, b]) => Number(b.isAcknowledged) - Number(a.isAcknowledged),
  ))
    await t.test(name, async (one) => {
      if (output.isAcknowledged) {
        assert.deepEqual(await differenceOf(output, ticks), NO_DIFFERENCE, telegraf.output);
        return;
      }
      const all = expected(output, ticks);
      const safe = expected(output, safeTicks);
      const stored = await found(output);
      assert.deepEqual([...stored].filter((text) => !all.has(text)).slice(0, 5), []);
      assert.deepEqual([...safe].filter((text) => !stored.has(text)).slice(0, 5), []);
      one.diagnostic(`${all.size - stored.size} of ${all.size} were lost on their way`);
    });
});
