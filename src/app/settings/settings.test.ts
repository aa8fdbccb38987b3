// Settings: precedence, every kind, errors with suggestions, and docs in step with the table.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { flagsHelp, flagsPage } from './doc.ts';
import { flagRows } from './flags.ts';
import { limitsPage } from './limits-doc.ts';
import { loadSettings } from './load.ts';

interface Given {
  readonly args?: readonly string[];
  readonly env?: Record<string, string>;
  readonly yaml?: string;
}

async function load(given: Given) {
  return await loadSettings({
    args: given.args ?? [],
    env: given.env ?? {},
    readConfig: async () => given.yaml,
  });
}

async function checkError(given: Given, expected: RegExp) {
  await assert.rejects(load(given), (error: Error) => {
    assert.equal(error.name, 'SettingError');
    assert.match(error.message, expected);
    return true;
  });
}

test('defaults print and parse back to themselves', async () => {
  const { settings, origins } = await load({});
  assert.deepEqual(settings.http, { host: '127.0.0.1', port: 4332 });
  assert.equal(settings.collect, true);
  assert.equal(origins.size, 0);
  for (const { kind, fallback, flag } of flagRows())
    assert.deepEqual(kind.parse(kind.print(fallback)), fallback, flag);
});

test('flags win over environment, environment over file', async () => {
  const yaml = 'data: /file\nquery-timeout: 1h30m\nmemory: 1GiB\ncollect: false\n';
  const env = { ORRERY_DATA: '/env', ORRERY_QUERY_TIMEOUT: '5s', PATH: '/bin' };
  const { settings, origins } = await load({ args: ['--data=/flag'], env, yaml });
  assert.equal(settings.data, '/flag');
  assert.equal(settings.queryTimeoutMs, 5000);
  assert.equal(settings.memoryBytes, 1024 ** 3);
  assert.equal(settings.collect, false);
  assert.equal(origins.get('queryTimeoutMs'), 'ORRERY_QUERY_TIMEOUT');
});

test('switches, lists, addresses', async () => {
  const args = [
    '--no-collect',
    '--insecure',
    '--http',
    '[::]:0',
    '--cors-origin',
    'http://a,http://b:1',
  ];
  const { settings } = await load({ args: [...args, '--cors-origin', '*'] });
  assert.equal(settings.collect, false);
  assert.equal(settings.insecure, true);
  assert.deepEqual(settings.http, { host: '::', port: 0 });
  assert.deepEqual(settings.corsOrigins, ['http://a', 'http://b:1', '*']);
  const yaml = 'cors-origin: [http://a, http://b]\n';
  assert.deepEqual((await load({ yaml })).settings.corsOrigins, ['http://a', 'http://b']);
  assert.deepEqual((await load({ args: ['--http', ':80'] })).settings.http, {
    host: '0.0.0.0',
    port: 80,
  });
});

test('what is unknown is an error with a suggestion', async () => {
  await checkError({ args: ['--dta', 'x'] }, /unknown flag --dta; did you mean --data\?/);
  await checkError({ args: ['--no-colect'] }, /did you mean --no-collect\?/);
  await checkError({ args: ['--xyzzyxyzzy'] }, /^unknown flag --xyzzyxyzzy$/);
  await checkError({ args: ['data'] }, /"data" is not expected/);
  await checkError(
    { yaml: 'querytimeout: 1s' },
    /orrery\.yaml: unknown key querytimeout; did you mean query-timeout\?/,
  );
  await checkError({ yaml: '__proto__: 1' }, /unknown key __proto__/);
  const { warnings } = await load({ env: { ORRERY_DAT: 'x' } });
  assert.match(warnings[0]!, /ORRERY_DAT; did you mean ORRERY_DATA\?; ignored/);
});

test('bad values name their place and what was expected', async () => {
  await checkError({ args: ['--http', '4332'] }, /--http: "4332": expected HOST:PORT/);
  await checkError({ args: ['--http', 'a:70000'] }, /HOST:PORT/);
  await checkError({ args: ['--data'] }, /--data needs a value: --data DIR/);
  await checkError({ env: { ORRERY_QUERY_TIMEOUT: '2 min' } }, /ORRERY_QUERY_TIMEOUT: "2 min"/);
  await checkError({ yaml: 'query-concurrency: 0' }, /whole number from 1 to/);
  await checkError({ yaml: 'data: [a, b]' }, /one plain value/);
  await checkError({ yaml: '- a' }, /"key: value"/);
  await checkError({ yaml: 'a: [' }, /orrery\.yaml: /);
  await checkError({ args: ['--config', './other.yaml'] }, /no file ".\/other.yaml"/);
});

test('docs/flags.md is what the table says', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/flags.md'), 'utf8');
  assert.equal(page, flagsPage(), 'run: node tools/flags-doc.ts');
  for (const { flag } of flagRows()) assert.ok(flagsHelp().includes(flag));
  assert.match(flagsHelp(), /All are in docs\/operations\/limits\.md\./);
});

test('docs/operations/limits.md is what the table of limits says', () => {
  const page = readFileSync(
    join(import.meta.dirname, '../../../docs/operations/limits.md'),
    'utf8',
  );
  assert.equal(page, limitsPage(), 'run: node tools/limits-doc.ts');
});

test('limits: numbers, sizes, durations, several in one text, and what is wrong', async () => {
  const { settings } = await load({
    args: ['--limit', 'active-series=10,body-bytes=2MiB', '--limit=query-range=30d'],
  });
  assert.deepEqual(settings.limits, [
    { id: 'active-series', value: 10 },
    { id: 'body-bytes', value: 2 * 1024 ** 2 },
    { id: 'query-range', value: 30 * 86_400 },
  ]);
  const yaml = 'limit: [active-series=1, new-series-per-minute=2]\n';
  assert.equal((await load({ yaml })).settings.limits.length, 2);
  await checkError({ args: ['--limit', 'active-series'] }, /expected ID=VALUE/);
  await checkError({ args: ['--limit', 'series=1'] }, /"series" is no limit; known are active-/);
  await checkError({ args: ['--limit', 'active-series=1MiB'] }, /a whole number for active-series/);
  await checkError({ args: ['--memory', '10'] }, /expected 0, or at least 8MiB/);
  await checkError({ args: ['--limit', 'query-range=1500ms'] }, /a whole number from 0/);
});

test('targets to scrape: options, defaults, several in one text, and back to text', async () => {
  const { settings } = await load({
    args: ['--scrape', 'job=a,interval=5s,label.env=x,http://h:1/p?q=1', '--scrape=http://h:2'],
    env: {},
  });
  assert.deepEqual(settings.scrape, [
    {
      job: 'a',
      __scrape_interval__: '5s',
      env: 'x',
      __address__: 'h:1',
      __scheme__: 'http',
      __metrics_path__: '/p?q=1',
    },
    { job: 'scrape', __address__: 'h:2', __scheme__: 'http', __metrics_path__: '/metrics' },
  ]);
  const { kind } = flagRows().find(({ flag }) => flag === 'scrape')!;
  assert.deepEqual(kind.parse(kind.print(settings.scrape)), settings.scrape);
  for (const [text, expected] of [
    ['h:1', /expected \[OPTION=VALUE/],
    ['jop=x,http://h:1', /unknown option "jop"/],
    ['interval=5,http://h:1', /expected a duration/],
    ['honor_labels=yes,http://h:1', /expected true or false/],
    ['http://u:p@h:1', /a user in the URL/],
  ] as const)
    await checkError({ args: ['--scrape', text] }, expected);
});
