// VictoriaMetrics' ingest-then-query cases for Graphite, OpenTSDB and CSV, through real sockets and
// the query API. Listed are cases that ask for what only VictoriaMetrics has.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import net from 'node:net';
import { test } from 'node:test';
import { sharedPath } from '../support/shared.ts';
import { startOrrery } from './harness.ts';
import type { RunningOrrery } from './harness.ts';

const suite = sharedPath('corpora/vm-ingest');
const PROTOCOLS = ['graphite', 'opentsdb', 'opentsdbhttp'] as const;
type Protocol = (typeof PROTOCOLS)[number];

const KNOWN_FAILING: readonly string[] = [
  // The label __graphite__ is a selector there.
  'graphite/graphite-selector',
  // The parameter max_lookback, and a lookback that is guessed from the data.
  'graphite/max_lookback_set',
  'graphite/max_lookback_unset',
  // In PromQL a series without the label has it empty, which differs from '123'.
  'graphite/name-plus-negative-filter',
];

interface Case {
  readonly name: string;
  readonly data: readonly string[];
  readonly insert_query?: string;
  readonly query: readonly string[];
  readonly result_metrics?: readonly Record<string, unknown>[];
  readonly result_query?: { readonly data: { readonly result: readonly unknown[] } };
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/** `{TIME_S-1m59s}` and its like, by the seconds of now. */
function withTimes(text: string, nowSeconds: number): string {
  return text.replaceAll(/\{TIME_(S|MSZ|MS)(?:-([\dsmh]+))?\}/g, (_, unit: string, back = '') => {
    let seconds = nowSeconds;
    for (const [, count, letter] of String(back).matchAll(/(\d+)([smh])/g))
      seconds -= Number(count) * UNIT_SECONDS[letter!]!;
    return String(unit === 'S' ? seconds : seconds * 1000);
  });
}

async function send(port: number, lines: readonly string[]): Promise<void> {
  const socket = net.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.resume();
  const closed = once(socket, 'close');
  socket.end(lines.map((line) => `${line}\n`).join(''));
  await closed;
}

function portOf(orrery: RunningOrrery, flag: string): number {
  return Number(String(orrery.ready[flag]).split(':')[1]);
}

async function write(orrery: RunningOrrery, protocol: Protocol, one: Case): Promise<void> {
  if (protocol === 'graphite') return await send(portOf(orrery, 'graphite'), one.data);
  if (protocol === 'opentsdb') return await send(portOf(orrery, 'opentsdb-telnet'), one.data);
  for (const body of one.data) {
    const path = `/opentsdb/api/put${one.insert_query ?? ''}`;
    const { status, text } = await orrery.post(path, body);
    assert.equal(status, 204, text);
  }
}

/** Numbers and their texts are one; times of results are compared as they are. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, plain(part)]));
}

/** Their paths as ours: `match` is `match[]`, blanks and plus signs are encoded. */
function asked(query: string): string {
  const path = query.replace('?match=', '?match[]=');
  return encodeURI(path).replaceAll('%25', '%').replaceAll('+', '%2B');
}

async function check(orrery: RunningOrrery, one: Case): Promise<void> {
  for (const query of one.query) {
    const { text } = await orrery.get(asked(query));
    if (one.result_metrics !== undefined) {
      const lines = text.split('\n').filter((line) => line !== '');
      const found = lines.map((line) => plain(JSON.parse(line)));
      assert.deepEqual(found, one.result_metrics.map(plain));
    } else {
      const { data } = JSON.parse(text) as { data: { result: unknown[] } };
      assert.deepEqual(plain(data.result), plain(one.result_query!.data.result));
    }
  }
}

async function passes(protocol: Protocol, file: string): Promise<boolean> {
  const args = ['--graphite', '127.0.0.1:0', '--opentsdb-telnet', '127.0.0.1:0'];
  const orrery = await startOrrery(['--no-collect', ...args]);
  try {
    const nowSeconds = Math.floor(Date.now() / 60_000) * 60;
    const text = readFileSync(`${suite.path}/${protocol}/${file}`, 'utf8');
    const one = JSON.parse(withTimes(text, nowSeconds)) as Case;
    await write(orrery, protocol, one);
    await check(orrery, one);
    return true;
  } catch (error) {
    if (error instanceof assert.AssertionError) return false;
    throw error;
  } finally {
    await orrery.stop();
  }
}

test('every case but the listed ones', { skip: suite.skip, timeout: 120_000 }, async () => {
  const failing: string[] = [];
  let count = 0;
  for (const protocol of PROTOCOLS) {
    const folder = `${suite.path}/${protocol}`;
    assert.ok(existsSync(folder));
    for (const file of readdirSync(folder).toSorted()) {
      count++;
      if (!(await passes(protocol, file)))
        failing.push(`${protocol}/${file.replace(/\.json$/, '')}`);
    }
  }
  assert.ok(count >= 12);
  assert.deepEqual(failing, KNOWN_FAILING);
});

interface CsvCase {
  readonly name: string;
  readonly data: readonly string[];
  readonly insert_query: string;
  readonly query: readonly string[];
  readonly expected_result_lines_count: number;
}

/** Its times are of now; the second file asks for the first one's series. */
test('CSV in, CSV out', { skip: suite.skip, timeout: 60_000 }, async () => {
  const orrery = await startOrrery(['--no-collect']);
  try {
    const nowMs = Date.now();
    const files = readdirSync(`${suite.path}/csv`).toSorted();
    assert.equal(files.length, 2);
    for (const file of files) {
      const text = readFileSync(`${suite.path}/csv/${file}`, 'utf8')
        .replaceAll('{TIME_MS}', String(nowMs))
        .replaceAll('{TIME_MS-180s}', String(nowMs - 180_000));
      const one = JSON.parse(text) as CsvCase;
      const path = `/api/v1/import/csv${one.insert_query}`;
      const { status, text: answer } = await orrery.post(path, one.data.join('\n'));
      assert.equal(status, 204, answer);
      for (const query of one.query) {
        const { text: out } = await orrery.get(asked(query));
        const lines = out.split('\n').filter((line) => line !== '');
        assert.equal(lines.length, one.expected_result_lines_count, one.name);
      }
    }
    const match = encodeURIComponent('{__name__="test_csv_labels"}');
    const query = `format=location,__value__&match[]=${match}`;
    const { text } = await orrery.get(`/api/v1/export/csv?${query}`);
    // Four rows of one time and, by extra_label, of one series: the last one counts.
    assert.equal(text, 'location-1,10\n');
  } finally {
    await orrery.stop();
  }
});
