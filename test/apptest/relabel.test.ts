// Relabelling at ingest over HTTP: rules by tenant, by file, in force at once in every thread, kept
// over a kill; the debugger; the dry run of a write by each protocol; refused rows of each
// protocol.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { encodeSnappy } from '../../src/codec/snappy.ts';
import * as otlp from '../support/otlp.ts';
import { bytesField, doubleField, varintField } from '../support/protobuf-writer.ts';
import { runOrrery, startOrrery } from './harness.ts';
import type { RunningOrrery } from './harness.ts';

const T_MS = 1_750_000_000_000;
const RULES = '/orrery/v1/relabel';

let orrery: RunningOrrery;
before(async () => {
  orrery = await startOrrery(['--no-collect']);
});
after(async () => {
  const exited = await orrery.stop();
  assert.equal(exited.code, 0, exited.stdout + exited.stderr);
});

function of(tenant: string): { headers: Record<string, string> } {
  return { headers: { 'X-Scope-OrgID': tenant } };
}

async function put(
  server: RunningOrrery,
  tenant: string,
  body: string,
  query = '',
): Promise<Record<string, unknown>> {
  const init = { method: 'PUT', body, ...of(tenant) };
  const { status, text } = await server.get(RULES + query, init);
  return { status, ...(JSON.parse(text) as Record<string, unknown>) };
}

async function state(server: RunningOrrery, tenant: string): Promise<Record<string, unknown>> {
  return JSON.parse((await server.get(RULES, of(tenant))).text) as Record<string, unknown>;
}

/** Series of a tenant as texts, sorted. */
async function series(server: RunningOrrery, tenant: string): Promise<string[]> {
  const query = `match[]=${encodeURIComponent('{__name__=~".+"}')}&start=0`;
  const { text } = await server.get(`/api/v1/series?${query}`, of(tenant));
  const { data } = JSON.parse(text) as { data: Record<string, string>[] };
  return data.map((labels) => JSON.stringify(Object.entries(labels).flat()));
}

interface Protocol {
  readonly path: string;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** One sample of `sent` with the label env. */
  readonly body: (env: string) => string | Uint8Array<ArrayBuffer>;
  /** What is refused, and what of it the sample of refused rows says. */
  readonly bad: string | Uint8Array<ArrayBuffer>;
  readonly reason: RegExp;
}

function remoteWrite(env: string, name = 'sent'): Uint8Array<ArrayBuffer> {
  const label = (key: string, text: string) =>
    bytesField(1, [...bytesField(1, key), ...bytesField(2, text)]);
  const sample = bytesField(2, [...doubleField(1, 1), ...varintField(2, T_MS)]);
  const all = [...label('__name__', name), ...label('env', env), ...sample];
  return new Uint8Array(encodeSnappy(Uint8Array.from(bytesField(1, all))));
}

function otlpMessage(env: string): Uint8Array<ArrayBuffer> {
  const point = { timeNs: BigInt(T_MS) * 1_000_000n, value: 1, attributes: { env } };
  return otlp.request([otlp.gauge({ name: 'sent' }, [point])]);
}

const LONG = 'x'.repeat(9000);
const PROTOBUF = { 'Content-Type': 'application/x-protobuf' };
const LINE = { query: 'precision=ms', bad: 'sent,env=a value=', reason: /unable to parse|missing/ };

const PROTOCOLS: Readonly<Record<string, Protocol>> = {
  influx: { ...LINE, path: '/write', body: (env) => `sent,env=${env} value=1 ${T_MS}` },
  'influx-v2': { ...LINE, path: '/api/v2/write', body: (env) => `sent,env=${env} value=1 ${T_MS}` },
  'influx-v3': {
    query: 'db=&precision=millisecond',
    bad: LINE.bad,
    reason: LINE.reason,
    path: '/api/v3/write_lp',
    body: (env) => `sent,env=${env} value=1 ${T_MS}`,
  },
  csv: {
    path: '/api/v1/import/csv',
    query: 'format=1:time:unix_ms,2:label:env,3:metric:sent',
    body: (env) => `${T_MS},${env},1\n`,
    bad: '1,a,one,two',
    reason: /one/,
  },
  graphite: {
    path: '/graphite/api/v1/sink',
    body: (env) => `sent;env=${env} 1 ${T_MS / 1000}\n`,
    bad: 'sent;env=a NaNa 1\n',
    reason: /not a number/,
  },
  opentsdb: {
    path: '/api/put',
    body: (env) => JSON.stringify({ metric: 'sent', timestamp: T_MS, value: 1, tags: { env } }),
    bad: '{"metric":"sent","timestamp":1,"value":"one","tags":{"env":"a"}}',
    reason: /one|value/,
  },
  'remote-write': {
    path: '/api/v1/write',
    headers: PROTOBUF,
    body: (env) => remoteWrite(env),
    bad: remoteWrite(LONG),
    reason: /has 9000 bytes, the limit is 8192/,
  },
  prometheus: {
    path: '/api/v1/import/prometheus',
    body: (env) => `sent{env="${env}"} 1 ${T_MS}\n`,
    bad: 'sent{env="a} 1\n',
    reason: /./,
  },
  warp10: {
    path: '/api/v0/update',
    body: (env) => `${T_MS * 1000}// sent{env=${env}} 1.0`,
    bad: '1// sent{env=a 1.0',
    reason: /./,
  },
  jsonl: {
    path: '/api/v1/import',
    body: (env) =>
      JSON.stringify({ metric: { __name__: 'sent', env }, values: [1], timestamps: [T_MS] }),
    bad: '{"metric":{"__name__":"sent"},"values":[1],"timestamps":[]}',
    reason: /./,
  },
  otlp: {
    path: '/v1/metrics',
    headers: PROTOBUF,
    body: otlpMessage,
    bad: '\n\u0005x',
    reason: /./,
  },
};

async function send(server: RunningOrrery, tenant: string, protocol: Protocol, body: Sent) {
  const { path, query = '', headers } = protocol;
  return await server.post(`${path}?${query}`, body, {
    headers: { ...of(tenant).headers, ...headers },
  });
}

type Sent = string | Uint8Array<ArrayBuffer>;

const DROP_DEV = '- source_labels: [env]\n  regex: dev\n  action: drop\n';
const MARK = '- target_label: ruled\n  replacement: "yes"\n';

test('rules are validated with the place, dry-run, kept, given back, removed', async () => {
  assert.deepEqual(await state(orrery, 'crud'), {
    tenant: 'crud',
    version: 0,
    source: 'none',
    ruleCount: 0,
    config: '',
  });
  const bad = await put(orrery, 'crud', `${MARK}- source_labels: [a]\n  action: hashmod\n`);
  assert.equal(bad['status'], 400);
  const error = bad['error'] as Record<string, unknown>;
  assert.deepEqual([error['code'], error['line'], error['column']], ['relabel-config', 3, 3]);
  assert.match(String(error['message']), /^line 3, column 3: relabel configuration for hashmod/);
  const tried = await put(orrery, 'crud', MARK, '?dry_run=1');
  assert.deepEqual([tried['status'], tried['dryRun'], tried['ruleCount']], [200, true, 1]);
  assert.equal((await state(orrery, 'crud'))['source'], 'none');
  const first = await put(orrery, 'crud', MARK);
  const second = await put(orrery, 'crud', MARK + DROP_DEV);
  assert.ok(Number(second['version']) > Number(first['version']));
  const kept = await state(orrery, 'crud');
  assert.deepEqual([kept['source'], kept['config']], ['tenant', MARK + DROP_DEV]);
  const headers = { ...of('crud').headers, Accept: 'application/yaml' };
  const yaml = await orrery.get(RULES, { headers });
  assert.equal(yaml.text, MARK + DROP_DEV);
  assert.equal(yaml.headers.get('x-orrery-relabel-version'), String(second['version']));
  await orrery.get(RULES, { method: 'DELETE', ...of('crud') });
  assert.equal((await state(orrery, 'crud'))['source'], 'none');
  const huge = await orrery.get(RULES, { method: 'PUT', body: '#'.repeat(70_000), ...of('crud') });
  assert.equal(huge.status, 413);
  const notUtf8 = await orrery.get(RULES, { method: 'PUT', body: Buffer.from([0xff]) });
  assert.equal(notUtf8.status, 400);
});

test('rules of a tenant hold for every protocol, with the next write, and for nobody else', async () => {
  for (const [name, protocol] of Object.entries(PROTOCOLS)) {
    const tenant = `each-${name}`;
    const earlier = await send(orrery, tenant, protocol, protocol.body('dev'));
    assert.ok(earlier.status < 300, `${name}: ${earlier.text}`);
    assert.equal((await put(orrery, tenant, DROP_DEV + MARK))['status'], 200);
    for (const env of ['dev', 'prod', 'dev', 'prod']) {
      const { status, text } = await send(orrery, tenant, protocol, protocol.body(env));
      assert.ok(status < 300, `${name}: ${status} ${text}`);
    }
    const names = (await series(orrery, tenant)).filter((one) => one.includes('"env"'));
    const expected = [
      '["__name__","sent","env","dev"]',
      '["__name__","sent","env","prod","ruled","yes"]',
    ];
    assert.deepEqual(names, expected, name);
    await send(orrery, 'each-other', protocol, protocol.body(`dev`));
  }
  assert.ok((await series(orrery, 'each-other')).includes('["__name__","sent","env","dev"]'));
  const { text } = await orrery.get('/metrics');
  const line =
    'orrery_ingest_samples_dropped_total{protocol="graphite",tenant="each-graphite"} 2\n';
  assert.ok(text.includes(line));
});

test('a preview says what rules would have done to the series of the last hour', async () => {
  const nowSec = Math.floor(Date.now() / 1000);
  const old = `seen,pod=old v=1 ${nowSec - 7200}`;
  const lines = ['a', 'b', 'c'].map((pod) => `seen,pod=${pod},env=prod v=1 ${nowSec - 60}`);
  const more = [`seen,env=dev v=1 ${nowSec - 60}`, `plain v=1 ${nowSec - 60}`, old];
  const body = [...lines, ...more].join('\n');
  const init = { method: 'POST', body, ...of('preview') };
  assert.equal((await orrery.get('/write?precision=s', init)).status, 204);
  const ask = async (rules: string, query = ''): Promise<Record<string, unknown>> => {
    const request = { method: 'POST', body: rules, ...of('preview') };
    const { status, text } = await orrery.get(`${RULES}/preview${query}`, request);
    return { status, ...(JSON.parse(text) as Record<string, unknown>) };
  };
  const rules =
    '- regex: pod\n  action: labeldrop\n- source_labels: [env]\n  regex: dev\n  action: drop';
  const { examples, ...counts } = await ask(rules);
  const { from, to, ...rest } = counts as Record<string, unknown> & { from: string; to: string };
  assert.equal(Date.parse(to) - Date.parse(from), 3_600_000);
  assert.deepEqual(rest, {
    status: 200,
    tenant: 'preview',
    rules: 2,
    whole: true,
    series: 5,
    kept: 1,
    changed: 3,
    dropped: 1,
    refused: 0,
    series_after: 2,
  });
  assert.deepEqual((examples as unknown[]).slice(0, 2), [
    { before: { __name__: 'seen_v', env: 'dev' }, after: null },
    {
      before: { __name__: 'seen_v', env: 'prod', pod: 'a' },
      after: { __name__: 'seen_v', env: 'prod' },
    },
  ]);
  assert.equal((await ask(rules, '?last=3h'))['series'], 6);
  assert.deepEqual((await ask(''))['examples'], [], 'no rules are in force');
  assert.equal((await ask('- action: nothing'))['status'], 400);
  assert.equal((await ask(rules, '?last=tomorrow'))['status'], 400);
  assert.equal((await series(orrery, 'preview')).length, 6, 'nothing was changed');
});

test('labels that a write forces are seen by rules and come back', async () => {
  await put(orrery, 'forced', '- regex: team\n  action: labeldrop\n' + MARK);
  const body = PROTOCOLS['prometheus']!.body('a');
  const { status } = await orrery.post(
    '/api/v1/import/prometheus?extra_label=team=red',
    body,
    of('forced'),
  );
  assert.equal(status, 204);
  const expected = '["__name__","sent","env","a","ruled","yes","team","red"]';
  assert.deepEqual(await series(orrery, 'forced'), [expected]);
});

test('the debugger shows each step; a mistake has its place', async () => {
  const debug = async (body: unknown): Promise<Record<string, unknown>> => {
    const { status, text } = await orrery.post(`${RULES}/debug`, JSON.stringify(body), of('debug'));
    return { status, ...(JSON.parse(text) as Record<string, unknown>) };
  };
  const shown = await debug({ config: MARK + DROP_DEV + MARK, labels: { env: 'dev' } });
  const steps = shown['steps'] as Record<string, unknown>[];
  assert.deepEqual(
    steps.map(({ matched, verdict, set }) => [matched, verdict, set]),
    [
      [true, 'kept', { ruled: 'yes' }],
      [true, 'dropped', {}],
    ],
  );
  assert.deepEqual(shown['result'], { verdict: 'dropped', rule: 2, labels: null });
  await put(orrery, 'debug', MARK);
  const inForce = await debug({ labels: { a: '1' } });
  assert.deepEqual(inForce['result'], { verdict: 'kept', labels: { a: '1', ruled: 'yes' } });
  const wrong = await debug({ config: '- regex: x', labels: {} });
  assert.equal(wrong['status'], 400);
  assert.equal((wrong['error'] as { line: number }).line, 1);
  for (const body of [[], { labels: { a: 1 } }, { config: 1, labels: {} }, 'x', {}])
    assert.equal((await debug(body))['status'], 400, JSON.stringify(body));
});

interface Explained {
  readonly isStored: boolean;
  readonly stages: readonly {
    readonly stage: string;
    readonly verdict: string;
    readonly says: string;
    readonly points?: readonly Record<string, unknown>[];
  }[];
  readonly answer: { readonly status: number; readonly body: string };
}

async function explain(tenant: string, name: string, body: Sent): Promise<Explained> {
  const { query = '', headers } = PROTOCOLS[name]!;
  const path = `/orrery/v1/ingest/explain?protocol=${name}&${query}`;
  const init = { headers: { ...of(tenant).headers, ...headers } };
  const { status, text } = await orrery.post(path, body, init);
  assert.equal(status, 200, text);
  return JSON.parse(text) as Explained;
}

function verdicts({ stages }: Explained): string {
  return stages.map(({ verdict }) => verdict).join(' ');
}

for (const [name, protocol] of Object.entries(PROTOCOLS))
  test(`a dry run by ${name}: each stage, the true answer, nothing stored`, async () => {
    const tenant = `dry-${name}`;
    const good = await explain(tenant, name, protocol.body('a'));
    assert.equal(verdicts(good), 'ok ok skipped ok ok', JSON.stringify(good));
    const point = good.stages[4]!.points!.find(
      ({ labels }) => (labels as Record<string, string>)['env'] === 'a',
    )!;
    assert.equal(point['isNewSeries'], true);
    assert.equal(point['time'], new Date(T_MS).toISOString());
    assert.equal(Number(point['value']), 1);
    assert.deepEqual(await series(orrery, tenant), []);
    const bad = await explain(tenant, name, protocol.bad);
    assert.equal(bad.isStored, false);
    assert.ok(bad.stages.some(({ verdict }) => verdict === 'refused'));
    const truly = await send(orrery, tenant, protocol, protocol.bad);
    assert.deepEqual([bad.answer.status, bad.answer.body], [truly.status, truly.text]);
    const wrote = await send(orrery, tenant, protocol, protocol.body('a'));
    assert.equal(wrote.status, good.answer.status);
    const again = await explain(tenant, name, protocol.body('a'));
    const known = again.stages[4]!.points!.find(
      ({ labels }) => (labels as Record<string, string>)['env'] === 'a',
    )!;
    assert.deepEqual([known['isNewSeries'], known['newestUs']], [false, T_MS * 1000]);
    await put(orrery, tenant, DROP_DEV);
    const dropped = await explain(tenant, name, protocol.body('dev'));
    const { stages, answer } = dropped;
    assert.equal(stages[2]!.says, "Dropped by rule 1 (line 1) of the tenant's rules.");
    assert.equal(stages[2]!.verdict, 'dropped');
    assert.equal(answer.status, good.answer.status);
  });

test('a dry run of collectd, whose labels are its own', async () => {
  const list = { values: [1], dstypes: ['gauge'], dsnames: ['value'], time: T_MS / 1000 };
  const body = JSON.stringify([{ ...list, host: 'a', plugin: 'sent', type: 'gauge' }]);
  const { status, text } = await orrery.post('/orrery/v1/ingest/explain?protocol=collectd', body);
  assert.equal(status, 200, text);
  const explained = JSON.parse(text) as Explained;
  assert.equal(verdicts(explained), 'ok ok skipped ok ok', text);
  const [point] = explained.stages[4]!.points!;
  const labels = { __name__: 'sent_value', host: 'a', plugin: 'sent', type: 'gauge' };
  assert.deepEqual(point!['labels'], labels);
});

test('a dry run says what the tenant no longer keeps, and which protocols there are', async () => {
  const retention = '/orrery/v1/tenants/dry-old/retention';
  await orrery.get(retention, { method: 'PUT', body: '{"timeMs":86400000}' });
  const old = await explain('dry-old', 'influx', PROTOCOLS['influx']!.body('a'));
  assert.equal(old.stages[4]!.verdict, 'dropped');
  assert.match(old.stages[4]!.says, /^Older than what the tenant keeps/);
  const unknown = await orrery.post('/orrery/v1/ingest/explain?protocol=smtp', 'x');
  assert.equal(unknown.status, 400);
  assert.match(unknown.text, /expected one of influx, influx-v2, .*graphite, opentsdb/);
});

for (const [name, protocol] of Object.entries(PROTOCOLS))
  test(`a row that ${name} refuses can be looked at`, async () => {
    const tenant = `refused-${name}`;
    await send(orrery, tenant, protocol, protocol.bad);
    const { text } = await orrery.get('/orrery/v1/refused-lines', of(tenant));
    const { count, counts, lines } = JSON.parse(text) as {
      count: number;
      counts: { protocol: string; reason: string; count: number }[];
      lines: { protocol: string; peer: string; timeMs: number; line: number; reason: string }[];
    };
    assert.equal(count, 1, text);
    const [line] = lines;
    assert.match(line!.reason, protocol.reason);
    assert.match(line!.peer, /127\.0\.0\.1/);
    assert.ok(Math.abs(line!.timeMs - Date.now()) < 60_000);
    const [only] = counts;
    assert.equal(only!.count, 1);
    const labels = `protocol="${only!.protocol}",tenant="${tenant}",reason="${only!.reason}"`;
    const page = (await orrery.get('/metrics')).text;
    assert.ok(page.includes(`orrery_ingest_rows_refused_total{${labels}} 1\n`));
    const others = await orrery.get('/orrery/v1/refused-lines', of('refused-nobody'));
    assert.equal(JSON.parse(others.text).count, 0);
  });

test('a write that comes to no parser can be looked at, by its path', async () => {
  const tenant = 'refused-requests';
  const line = PROTOCOLS['influx']!.body('a');
  const gzip = { headers: { ...of(tenant).headers, 'Content-Encoding': 'gzip' } };
  const huge = { headers: { ...of(tenant).headers, 'Content-Type': 'text/plain' } };
  const sent = [
    await orrery.post('/api/v1/write', 'x', of(tenant)),
    await orrery.post('/write?precision=fortnights', line, of(tenant)),
    await orrery.post('/api/put', 'no gzip', gzip),
    await orrery.post('/graphite/api/v1/sink', Buffer.alloc(65 * 1024 * 1024), huge),
  ];
  assert.deepEqual(
    sent.map(({ status }) => status),
    [415, 400, 400, 413],
  );
  const { text } = await orrery.get('/orrery/v1/refused-lines', of(tenant));
  const { count, lines } = JSON.parse(text) as {
    count: number;
    lines: { protocol: string; reason: string }[];
  };
  assert.equal(count, 4);
  const paths = lines.map(({ protocol }) => protocol);
  assert.deepEqual(paths, ['/graphite/api/v1/sink', '/api/put', '/write', '/api/v1/write']);
  assert.match(lines[2]!.reason, /invalid precision "fortnights"/);
});

test('the default holds for tenants without rules; what is stored survives a kill', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-relabel-'));
  const file = join(folder, 'relabel.yml');
  const args = ['--no-collect', '--data', join(folder, 'data'), '--relabel-config', file];
  try {
    await writeFile(file, '- action: drop\n  regex: (\n');
    const refused = await runOrrery(args);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /--relabel-config .*relabel\.yml: line 2, column 10: .*missing/);
    await writeFile(file, `metric_relabel_configs:\n${MARK}`);
    const first = await startOrrery(args);
    assert.equal((await state(first, 'a'))['source'], 'default');
    const influx = PROTOCOLS['influx']!;
    await send(first, 'a', influx, influx.body('dev'));
    await put(first, 'b', DROP_DEV);
    // No rules at all, whatever the default says.
    await put(first, 'c', '[]');
    for (const tenant of ['b', 'c'])
      for (const env of ['dev', 'prod']) await send(first, tenant, influx, influx.body(env));
    await first.kill();
    const second = await startOrrery(args);
    assert.equal((await state(second, 'b'))['config'], DROP_DEV);
    await send(second, 'b', influx, influx.body('dev'));
    await second.get(RULES, { method: 'DELETE', ...of('c') });
    await send(second, 'c', influx, influx.body('more'));
    assert.deepEqual(await Promise.all(['a', 'b', 'c'].map((tenant) => series(second, tenant))), [
      ['["__name__","sent","env","dev","ruled","yes"]'],
      ['["__name__","sent","env","prod"]'],
      [
        '["__name__","sent","env","dev"]',
        '["__name__","sent","env","more","ruled","yes"]',
        '["__name__","sent","env","prod"]',
      ],
    ]);
    await second.stop();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('several threads write by new rules as soon as they are answered', async () => {
  const server = await startOrrery(['--no-collect', '--shards', '3']);
  try {
    const influx = PROTOCOLS['influx']!;
    for (let round = 0; round < 6; round++) {
      const rules = `- target_label: round\n  replacement: "${round}"\n`;
      assert.equal((await put(server, 'threads', rules))['status'], 200);
      await Promise.all(
        Array.from({ length: 12 }, async (_, i) => {
          const headers = { ...of('threads').headers, Connection: 'close' };
          const body = influx.body(`r${round}-${i}`);
          const { status } = await server.post('/write?precision=ms', body, { headers });
          assert.equal(status, 204);
        }),
      );
    }
    const all = await series(server, 'threads');
    assert.equal(all.length, 72);
    for (const one of all) assert.match(one, /"env","r(\d)-\d+","round","\1"/);
    for (let i = 0; i < 8; i++)
      await server.post('/write', 'bad', {
        headers: { ...of('threads').headers, Connection: 'close' },
      });
    const { text } = await server.get('/orrery/v1/refused-lines', of('threads'));
    assert.equal(JSON.parse(text).count, 8);
  } finally {
    await server.stop();
  }
});
