// Rules as Prometheus runs them: it scrapes one page under random `metric_relabel_configs`, and
// what it stores is what our rules make of the same labels; what it refuses to load we refuse in
// the same words. PEERS_RANDOM sets how many lists of rules, PEERS_SEED which.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { labelsFromObject, labelsToObject } from '../../src/model/labels.ts';
import { parseRelabelConfig, RelabelConfigError } from '../../src/relabel/parse.ts';
import { Relabeller } from '../../src/relabel/relabelling.ts';
import { randomInt, seededPrng } from '../../src/stdx/prng.ts';
import type { Prng } from '../../src/stdx/prng.ts';
import { referenceProgram } from '../differential/reference.ts';
import { freePort, TestProcess } from '../support/processes.ts';

const LISTS = Math.min(Number(process.env['PEERS_RANDOM'] ?? 120), 1000);
const SEED = Number(process.env['PEERS_SEED'] ?? 45);

const SERIES: readonly Readonly<Record<string, string>>[] = [
  { __name__: 'plain' },
  { __name__: 'disk_bytes', host: 'db1.example.org', env: 'prod', path: '/var;lib' },
  { __name__: 'disk_bytes', host: 'db2.example.org', env: 'DEV', path: '/' },
  { __name__: 'disk_bytes', host: 'web-17', env: 'dev', a: 'ab', b: 'abcd', c: 'x' },
  { __name__: 'http_total', a: 'straße ǰ', b: 'ΟΔΟΣ ᾳ', c: 'İstanbul ß', env: 'prod' },
  { __name__: 'http_total', a: 'two\nlines', b: '$1', c: '${first}', host: 'a.b.c' },
  { __name__: 'http_total', a: 'same', b: 'same', env: '', path: 'αβγ' },
  { __name__: 'job_info', a: '1', b: '2', c: '3', host: 'x-1', env: 'stage', path: 'p' },
];

const SOURCES = ['a', 'b', 'c', 'host', 'env', 'path', 'none', '__name__'];
const REGEXES = [
  '(.*)',
  '(.+)',
  'same',
  '([a-z]+)-(.*)',
  '(?i)prod|dev',
  '.*-(\\d+)',
  '',
  '(?P<first>[^.]+)\\.(?P<rest>.*)',
  '(a|ab)(c|bcd)(d*)',
  '(.)(.)?.*',
  '[^;]*;(.*)',
  '(?:x*)*y?(.*)',
  '(\\p{Lu}).*',
  '.*\\n.*',
  'a|b|ab',
];
const REPLACEMENTS = [
  '$1',
  '$2-$1',
  '${first}',
  '$rest.$first',
  'const',
  '',
  '$0',
  '$$1',
  '${1}x',
  '$1x',
  '$',
  '${',
  '${}',
  '$-',
  'ü$1',
  '${2}${3}',
  '$01',
];
const TARGETS = ['a', 'b', 'env', 'new', 't.dot', 'ünï', 't_$1', '${first}', 'x-$2', 'k_$1$2'];
const NAMES = ['(a|b|c)', '(h|e)(.*)', 'p(.*)', '(.)(.)?.*w', 'new'];
const NAME_REPLACEMENTS = ['m_$1', 'same', 'ü.$1', 'a', 'n$2'];

type Rule = Readonly<Record<string, unknown>>;

function pick<T>(prng: Prng, from: readonly T[]): T {
  return from[randomInt(prng, from.length)]!;
}

/** None of them takes away what a scrape must have: the metric name, and `job` to find it by. */
function randomRule(prng: Prng): Rule {
  const sources = Array.from({ length: randomInt(prng, 4) }, () => pick(prng, SOURCES));
  const separator = randomInt(prng, 3) === 0 ? { separator: pick(prng, ['', '-', '.']) } : {};
  const source = { source_labels: sources, ...separator };
  const regex = pick(prng, REGEXES);
  switch (randomInt(prng, 14)) {
    case 0:
      return { ...source, regex, action: 'keep' };
    case 1:
      return { ...source, regex, action: 'drop' };
    case 2:
      return { source_labels: sources, target_label: pick(prng, SOURCES), action: 'keepequal' };
    case 3:
      return { source_labels: sources, target_label: pick(prng, SOURCES), action: 'dropequal' };
    case 4: {
      const modulus = 1 + randomInt(prng, 2 ** 31);
      return { ...source, target_label: pick(prng, ['a', 'shard']), modulus, action: 'hashmod' };
    }
    case 5: {
      const replacement = pick(prng, NAME_REPLACEMENTS);
      return { regex: pick(prng, NAMES), replacement, action: 'labelmap' };
    }
    case 6:
      return { regex: pick(prng, ['a', '(b|c)', 'h.*', 'x.*', 'instance']), action: 'LabelDrop' };
    case 7:
      return { regex: '__name__|job|instance|a|host|new|m_.*', action: 'labelkeep' };
    case 8:
      return { ...source, target_label: pick(prng, ['a', 'up']), action: 'uppercase' };
    case 9:
      return { ...source, target_label: pick(prng, ['b', 'low']), action: 'Lowercase' };
    case 10:
      return { source_labels: ['__name__'], target_label: '__name__', replacement: 'r_$1' };
    default: {
      const optional = randomInt(prng, 4) === 0 ? {} : { regex };
      const replacement = randomInt(prng, 4) === 0 ? {} : { replacement: pick(prng, REPLACEMENTS) };
      return { ...source, ...optional, ...replacement, target_label: pick(prng, TARGETS) };
    }
  }
}

function pageText(): string {
  const escaped = (text: string): string =>
    text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
  const line = ({ __name__: name, ...labels }: Readonly<Record<string, string>>): string => {
    const pairs = Object.entries(labels).map(([label, value]) => `${label}="${escaped(value)}"`);
    return `${name}{${pairs.join(',')}} 1\n`;
  };
  return SERIES.map(line).join('');
}

/** Rules in JSON, which is YAML, one a line. */
function listText(rules: readonly Rule[]): string {
  return rules.map((rule) => `- ${JSON.stringify(rule)}\n`).join('');
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '      ').trimEnd();
}

const keyOf = (labels: Readonly<Record<string, string>>): string =>
  JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));

function ours(rules: string, job: string, instance: string): string[] {
  const relabeller = new Relabeller(parseRelabelConfig(rules), 1);
  const kept = new Set<string>();
  for (const labels of SERIES) {
    const result = relabeller.apply(labelsFromObject({ ...labels, job, instance }));
    if (result.kind === 'kept') kept.add(keyOf(labelsToObject(result.labels)));
  }
  return [...kept].toSorted();
}

async function theirs(url: string, job: string): Promise<string[]> {
  const match = `{job="${job}",__name__!~"up|scrape_.*"}`;
  const answer = await fetch(`${url}/api/v1/series?match[]=${encodeURIComponent(match)}`);
  const { data } = (await answer.json()) as { data: Record<string, string>[] };
  return data.map(keyOf).toSorted();
}

/** Waits for a scrape of every job; all of them have to be good. */
async function untilScraped(url: string, jobCount: number): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent('count(up == 1)')}`);
    const { data } = (await answer.json()) as { data: { result: { value: [number, string] }[] } };
    if (Number(data.result[0]?.value[1] ?? 0) === jobCount) return;
    await sleep(100);
  }
  assert.fail('not every job was scraped within 30 s');
}

const HEAD = 'global: { scrape_interval: 2s, scrape_timeout: 1s }\nscrape_configs:\n';

test('rules do what they do in Prometheus', { timeout: 1_500_000 }, async () => {
  const prng = seededPrng(SEED);
  const lists = Array.from({ length: LISTS }, () =>
    listText(Array.from({ length: 1 + randomInt(prng, 5) }, () => randomRule(prng))),
  );
  const folder = await mkdtemp(join(tmpdir(), 'orrery-relabelling-'));
  const page = createServer((_request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/plain; version=0.0.4' }).end(pageText());
  }).listen(0, '127.0.0.1');
  await once(page, 'listening');
  const instance = `127.0.0.1:${(page.address() as AddressInfo).port}`;
  const jobs = lists.map(
    (rules, i) =>
      `  - job_name: j${i}\n    static_configs: [{ targets: ['${instance}'] }]\n` +
      `    metric_relabel_configs:\n${indented(rules)}\n`,
  );
  await writeFile(join(folder, 'p.yml'), HEAD + jobs.join(''));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const prometheus = new TestProcess(
    await referenceProgram(),
    [
      '--config.file=p.yml',
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--web.enable-lifecycle',
    ],
    folder,
  );
  try {
    await prometheus.untilAnswers(`${url}/-/ready`, 60_000);
    await untilScraped(url, LISTS);
    for (const [i, rules] of lists.entries()) {
      const job = `j${i}`;
      assert.deepEqual(ours(rules, job, instance), await theirs(url, job), rules);
    }
    await checkRefusals(url, join(folder, 'p.yml'));
  } finally {
    await prometheus.end('SIGKILL');
    page.close();
    await rm(folder, { recursive: true, force: true });
  }
});

const BAD_RULES: readonly Rule[] = [
  { source_labels: ['a'] },
  { action: 'hashmod', target_label: 'x' },
  { action: 'hashmod', modulus: 3 },
  { action: 'explode', target_label: 'x' },
  { action: 'lowercase', target_label: 'x', replacement: 'y' },
  { action: 'uppercase' },
  { action: 'keepequal', target_label: 'x', regex: 'a' },
  { action: 'dropequal', target_label: 'x', separator: '-' },
  { action: 'labeldrop', regex: 'a', source_labels: ['b'] },
  { action: 'labelkeep', regex: 'a', target_label: 'x' },
  { action: 'labelmap', replacement: '' },
  { target_label: 'x', source_label: ['a'] },
  { target_label: 'x', source_labels: [''] },
];

/** What both refuse, and the words of it. */
async function checkRefusals(url: string, path: string): Promise<void> {
  for (const rule of BAD_RULES) {
    const rules = listText([rule]);
    await writeFile(
      path,
      `${HEAD}  - job_name: j\n    metric_relabel_configs:\n${indented(rules)}\n`,
    );
    const answer = await fetch(`${url}/-/reload`, { method: 'POST' });
    const text = await answer.text();
    assert.equal(answer.status, 500, rules);
    assert.throws(
      () => parseRelabelConfig(rules),
      (error) => {
        assert.ok(error instanceof RelabelConfigError);
        assert.ok(text.includes(error.reason), `${error.reason}\n${text}`);
        return true;
      },
    );
  }
}
