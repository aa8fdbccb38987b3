// `orrery import` and `orrery export` against a real server: every format, packed and not, files,
// folders and pipes; refused rows by file and line; a second run changes nothing; a server that is
// killed meanwhile costs time and nothing else.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { labelsFromObject, labelsToObject } from '../../src/model/labels.ts';
import { sharedPath } from '../support/shared.ts';
import { runCtl, startCtl, startOrrery } from './harness.ts';
import type { RunningOrrery } from './harness.ts';

const ROOT = join(import.meta.dirname, '../..');
const hew = sharedPath('data/exoplanets/hew');

let orrery: RunningOrrery;
let folder: string;
before(async () => {
  orrery = await startOrrery(['--no-collect']);
  folder = await mkdtemp(join(tmpdir(), 'orrery-import-'));
});
after(async () => {
  await orrery.stop();
  await rm(folder, { recursive: true, force: true });
});

interface Summary {
  readonly files: number;
  readonly requests: number;
  readonly retries: number;
  readonly samples: number;
  readonly refusedRows: number;
  readonly refused: readonly { file: string; line: number; reason: string }[];
}

async function ctl(tenant: string, args: readonly string[]) {
  const [command, ...rest] = args;
  const url = ['--url', orrery.url, '--tenant', tenant];
  return await runCtl([command!, ...url, ...rest], { cwd: folder });
}

async function imported(tenant: string, args: readonly string[], code = 0): Promise<Summary> {
  const ended = await ctl(tenant, ['import', '--json', ...args]);
  assert.equal(ended.code, code, ended.stderr + ended.stdout);
  return JSON.parse(ended.stdout) as Summary;
}

async function exported(tenant: string, from = orrery): Promise<string> {
  const query = `exact=1&match[]=${encodeURIComponent('{__name__!=""}')}`;
  const headers = { 'X-Scope-OrgID': tenant };
  const { status, text } = await from.get(`/api/v1/export?${query}`, { headers });
  assert.equal(status, 200, text);
  return text;
}

async function file(name: string, content: string | Uint8Array): Promise<string> {
  await writeFile(join(folder, name), content);
  return name;
}

test('the exoplanets come with their labels; twice is once', { skip: hew.skip }, async () => {
  const args = ['--sidecar', 'series.json', hew.path];
  args.push('--columns', 'time_us:time:unix_us,sap_flux:metric:{class_}');
  const first = await imported('hew', args);
  assert.deepEqual(
    [first.files, first.samples, first.refusedRows, first.retries],
    [28, 1_759_116, 0, 0],
  );
  const text = await exported('hew');
  const counts = new Map<string, number>();
  for (const line of text.trimEnd().split('\n')) {
    const { metric, values } = JSON.parse(line) as {
      metric: Record<string, string>;
      values: readonly number[];
    };
    const name = JSON.stringify(metric);
    counts.set(name, (counts.get(name) ?? 0) + values.length);
  }
  const sidecar = JSON.parse(await readFile(join(hew.path, 'series.json'), 'utf8')) as {
    series: { class_: string; labels: Record<string, string>; points: number }[];
  };
  const expected = sidecar.series.map(({ class_, labels, points }) => {
    const pairs = labelsFromObject({ ...labels, __name__: class_ });
    return [JSON.stringify(labelsToObject(pairs)), points] as const;
  });
  assert.deepEqual(counts, new Map(expected));
  await imported('hew', args);
  assert.equal(await exported('hew'), text);
});

const T = 1_700_000_000;

/** One point of a series `NAME{t="a"}` in each format, and the file it is in. */
const FORMATS: readonly (readonly [string, string, string, readonly string[]])[] = [
  ['influx', 'i.lp', `in_lp,t=a value=1,s="x\ny",n=2i ${T}000000000\n`, []],
  ['prometheus', 'p.txt', `# TYPE in_text counter\nin_text{t="a"} 3 ${T}000\n`, []],
  [
    'jsonl',
    'j.jsonl',
    `{"metric":{"__name__":"in_json","t":"a"},"kind":"u64","values":["5"],"timestampsUs":[${T}000001]}\n`,
    [],
  ],
  ['csv', 'c.txt', `t,v,l\n${T},6,"a"\n`, ['--columns', 't:time:unix_s,v:metric:in_csv,l:label:t']],
  ['graphite', 'g.txt', `in.graphite;t=a 7 ${T}\n`, []],
  ['opentsdb', 'o.txt', `put in.tsdb ${T} 8 t=a\n`, []],
  ['opentsdb', 'o.json', `[{"metric":"in.put","timestamp":${T},"value":9,"tags":{"t":"a"}}]`, []],
  ['warp10', 'w.gts', `${T}000000// in.warp{t=a} 10\n=${T}000001/1:2/ T\n`, []],
];

test('every format, told by itself or given; packed; with further labels', async () => {
  let expected = '';
  for (const pack of ['plain', 'gzip', 'zstd'] as const) {
    const tenant = `formats-${pack}`;
    for (const [format, name, content, more] of FORMATS) {
      const bytes = Buffer.from(content);
      const [ending, packed] = {
        plain: ['', bytes],
        gzip: ['.gz', gzipSync(bytes)],
        zstd: ['.zst', zstdCompressSync(bytes)],
      }[pack] as [string, Uint8Array];
      const path = await file(name + ending, packed);
      const given = pack === 'plain' ? [] : ['--format', format];
      const { samples } = await imported(tenant, [...given, ...more, '--label', 'z=1', path]);
      assert.equal(samples, { 'i.lp': 3, 'w.gts': 2 }[name] ?? 1, name);
    }
    const text = await exported(tenant);
    expected ||= text;
    assert.equal(text, expected);
  }
  for (const series of ['in_lp"', 'in_lp_s', 'in_text', 'in_json', 'in_csv', 'in.graphite'])
    assert.ok(
      expected.includes(`{"__name__":"${series.replace('"', '')}","t":"a","z":"1"}`),
      series,
    );
  for (const series of ['in.tsdb', 'in.put', 'in.warp'])
    assert.ok(expected.includes(`{"__name__":"${series}","t":"a","z":"1"}`), series);
  assert.ok(expected.includes('"values":["x\\ny"]'));
  assert.ok(expected.includes('"kind":"boolean","values":[true]'));
});

test('folders in a stable order, labels from names, a pipe', async () => {
  await mkdir(join(folder, 'hosts/b'), { recursive: true });
  const rows = (value: number) => `${value},${T}\n${value + 1},${T + 1}\n`;
  await file('hosts/a1.csv', rows(1));
  await file('hosts/b/a2.csv', rows(2));
  await file('hosts/.hidden', 'not this');
  const args = ['--columns', '1:metric:load,2:time:unix_s', '--label', 'host={host}'];
  const pattern = ['--file-pattern', '(?<host>\\w+)\\.csv$'];
  const { files, samples } = await imported('folders', [...args, ...pattern, 'hosts']);
  assert.deepEqual([files, samples], [2, 4]);
  const text = await exported('folders');
  assert.match(text, /"host":"a1"\},"kind":"f64","values":\[1,2\].*\n.*"host":"a2".*\[2,3\]/);
  const unfit = await ctl('folders', ['import', ...args, '--file-pattern', '(?<host>x)', 'hosts']);
  assert.deepEqual([unfit.code, unfit.stderr.includes("does not fit 'a1.csv'")], [2, true]);

  const child = spawn(
    process.execPath,
    [join(ROOT, 'src/app/ctl/main.ts'), 'import', '--url', orrery.url, '--tenant', 'pipe', '-'],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  child.stdin.write(`in_pipe 1 ${T}`);
  child.stdin.end('000\n');
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  assert.equal(code, 0);
  assert.match(out, /^1 samples from 1 file \(24 B\) in .+ samples\/s, 0 rows refused\n$/);
  assert.match(await exported('pipe'), /in_pipe/);
});

test('refused rows have file, line and reason; the others are in; exit code 3', async () => {
  const cases: readonly (readonly [string, string, number, RegExp, readonly string[]])[] = [
    ['bad.lp', `ok f=1 1\nbad\nok f=2 2\n`, 2, /bad/, []],
    ['bad.jsonl', `{"metric":{"__name__":"a"},"values":[1],"timestamps":[1]}\n{]\n`, 2, /JSON/, []],
    ['bad.csv', `1,1\n\n2,x\n3,3\n`, 3, /"x"/, ['--columns', '1:metric:c,2:time:unix_s']],
    ['bad.carbon', `a.b 1 1\na.c x 1\n`, 2, /a\.c/, []],
    ['bad.tsdb', `put a 1 1 t=b\nput a 1 x t=b\nput b 1\n`, 3, /expected a metric/, []],
    ['bad.gts', `1// a{} 1\n2// a{ 1\n`, 2, /./, []],
    ['bad.prom', `a 1 1\nb{ 2 2\n`, 2, /./, []],
  ];
  for (const [name, content, line, reason, more] of cases) {
    const path = await file(name, content);
    const summary = await imported('refused', [...more, path], 3);
    assert.equal(summary.refusedRows, name === 'bad.tsdb' ? 2 : 1, name);
    assert.ok(summary.samples > 0, name);
    const row = summary.refused.find((one) => one.line === line);
    assert.equal(row?.file, path, JSON.stringify(summary));
    assert.match(row.reason, reason);
  }
  const many = await file('many.prom', `${'b{ 2 2\n'.repeat(50)}a 1 1\n`);
  const { code, stdout, stderr } = await ctl('refused', ['import', '--refused', '2', many]);
  assert.equal(code, 3);
  assert.match(stderr, /^many\.prom:1: .+\nmany\.prom:2: .+\n… and 48 more refused rows\n$/m);
  assert.match(stdout, /^1 samples .* 50 rows refused\n$/);
});

test('lines of later bodies are lines of the file', async () => {
  const rows = Array.from({ length: 150_000 }, (_, i) => `${i},${T + i}\n`);
  rows[140_000] = 'x,y\n';
  const path = await file('late.csv', rows.join(''));
  const columns = ['--columns', '1:metric:late,2:time:unix_s', '--body-size', '1'];
  const { refused, requests, samples } = await imported('late', [...columns, path], 3);
  assert.ok(requests >= 2);
  assert.equal(samples, 149_999);
  assert.deepEqual(
    refused.map(({ line }) => line),
    [140_001],
  );
});

test('where a file has a point twice, the later row stays', async () => {
  const rows = (value: number) => Array.from({ length: 90_000 }, (_, i) => `${value},${T + i}\n`);
  const path = await file('twice.csv', [...rows(1), ...rows(2), ...rows(3)].join(''));
  const columns = ['--columns', '1:metric:twice,2:time:unix_s', '--body-size', '1'];
  const { requests } = await imported('twice', [...columns, path]);
  assert.ok(requests >= 3);
  const { text } = await orrery.get('/api/v1/export/csv?format=__value__&match[]=twice', {
    headers: { 'X-Scope-OrgID': 'twice' },
  });
  assert.equal(text, '3\n'.repeat(90_000));
});

test('rows without a time are refused, or get one', async () => {
  const page = await file('now.prom', `timed 1 ${T}000\nuntimed 2\n`);
  const refused = await ctl('timeless', ['import', page]);
  assert.equal(refused.code, 3);
  assert.match(refused.stderr, /now\.prom:2: a row without a time/);
  assert.equal(await exported('timeless'), '');
  const given = ['--timestamp', '2023-11-14T22:13:20Z', page];
  assert.equal((await imported('timeless', given)).samples, 2);
  const text = await exported('timeless');
  assert.equal((await imported('timeless', given)).samples, 2);
  assert.equal(await exported('timeless'), text);
  const lines = await file('now.lp', 'm f=1\n');
  assert.equal((await ctl('timeless', ['import', '--timestamp', 'now', lines])).code, 2);
  assert.equal((await ctl('timeless', ['import', lines])).code, 3);
  assert.equal((await imported('timeless', ['--arrival-time', lines])).samples, 1);
});

test('what cannot be says so, with an exit code', async () => {
  const csv = await file('t.csv', 'a,b\n1,2\n');
  const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
    [[], 2, /expected files/],
    [['nowhere'], 2, /'nowhere' is not there/],
    [[csv], 2, /--columns must say/],
    [['--columns', 'c:metric:m', csv], 2, /no column "c"; its header is: a, b/],
    [['--columns', '1:metric:{x}', csv], 2, /no field \{x\}/],
    [['--label', 'x', csv], 2, /expected NAME=VALUE/],
    [['--sidecar', 'none.json', csv], 2, /--sidecar/],
    [[await file('what', 'hello\n')], 2, /say it with --format/],
    [[await file('cut.prom.gz', gzipSync('a 1 1\n').subarray(0, 20))], 1, /cannot be read/],
    [['--tenant', '.bad', await file('one.prom', 'a 1 1\n')], 3, /refused it with status 400/],
  ];
  for (const [args, code, message] of cases) {
    const ended = await ctl('wrong', ['import', ...args]);
    assert.equal(ended.code, code, `${args.join(' ')}\n${ended.stderr}`);
    assert.match(ended.stderr, message);
  }
  const gone = ['import', '--url', 'http://127.0.0.1:1', '--retry-for', '500ms', 'one.prom'];
  const { code, stderr } = await runCtl(gone, { cwd: folder });
  assert.deepEqual([code, /no answer from http:\/\/127\.0\.0\.1:1/.test(stderr)], [1, true]);
});

test('export and import are inverse, also through files; csv; atomic output', async () => {
  const source = await exported('formats-plain');
  for (const [name, unpack] of [
    ['out.jsonl', (bytes: Buffer) => bytes],
    ['out.jsonl.gz', gunzipSync],
    ['out.jsonl.zst', zstdDecompressSync],
  ] as const) {
    const { code, stderr } = await ctl('formats-plain', ['export', '--exact', '-o', name]);
    assert.equal(code, 0, stderr);
    assert.equal(unpack(await readFile(join(folder, name))).toString(), source);
    const tenant = name.replaceAll('.', '-');
    await imported(tenant, [name]);
    assert.equal(await exported(tenant), source);
  }
  const csv = ['--format', 'csv', '--columns', 't,__timestamp__:unix_s,__value__'];
  const range = ['--match', 'in_text', '--start', String(T), '--end', '2023-11-14T22:13:20Z'];
  const printed = await ctl('formats-plain', ['export', ...csv, ...range]);
  assert.deepEqual([printed.code, printed.stdout], [0, `a,${T},3\n`]);
  const refused = await ctl('formats-plain', ['export', '--match', '{', '-o', 'no.jsonl']);
  assert.equal(refused.code, 3);
  const unwritable = await ctl('formats-plain', ['export', '-o', 'none/no.jsonl']);
  assert.equal(unwritable.code, 1);
  assert.match(unwritable.stderr, /cannot be written/);
  assert.deepEqual(
    (await readdir(folder)).filter((name) => /no\.jsonl|\.part$/.test(name)),
    [],
  );
});

test('a server that is killed in the middle: the import ends, nothing lost or doubled', async () => {
  const data = join(folder, 'data');
  let server = await startOrrery(['--no-collect', '--data', data]);
  const rows = 1_200_000;
  const parts: string[] = [];
  for (let i = 0; i < rows; i++) parts.push(`s${i % 100},${i},${T + Math.floor(i / 100)}\n`);
  await writeFile(join(folder, 'big.csv'), parts.join(''));
  const columns = ['--columns', '1:label:s,2:metric:big,3:time:unix_s', '--body-size', '1'];
  const url = ['--url', server.url, '--parallel', '2', '--json'];
  const running = runCtl(['import', ...url, ...columns, 'big.csv'], { cwd: folder });
  const samples = async () => {
    const { text } = await server.get('/metrics');
    return Number(/^orrery_ingest_samples_total.* (\d+)$/m.exec(text)?.[1] ?? 0);
  };
  const { port } = server;
  for (let kills = 0; kills < 2; kills++) {
    while ((await samples()) === 0) await sleep(5);
    await server.kill();
    await sleep(300);
    const at = ['--http', `127.0.0.1:${port}`];
    server = await startOrrery(['--no-collect', '--data', data, ...at]);
  }
  const ended = await running;
  assert.equal(ended.code, 0, ended.stderr);
  const summary = JSON.parse(ended.stdout) as Summary;
  assert.deepEqual([summary.samples, summary.refusedRows], [rows, 0]);
  assert.ok(summary.retries > 0, 'the server was killed too late');
  const text = await exported('default', server);
  let count = 0;
  for (const line of text.trimEnd().split('\n')) {
    const { metric, values, timestampsUs } = JSON.parse(line) as {
      metric: { s: string };
      values: number[];
      timestampsUs: number[];
    };
    for (const [i, value] of values.entries()) {
      const row = (timestampsUs[i]! / 1e6 - T) * 100 + Number(metric.s.slice(1));
      assert.equal(value, row);
    }
    count += values.length;
  }
  assert.equal(count, rows);
  await server.stop();
});

test('an import that is killed is run again: as if it had run once', async () => {
  const rows = Array.from({ length: 400_000 }, (_, i) => `s${i % 50},${i},${T + i}\n`);
  const path = await file('again.csv', rows.join(''));
  const columns = ['--columns', '1:label:s,2:metric:again,3:time:unix_s', '--body-size', '1'];
  const args = ['--url', orrery.url, '--parallel', '1', ...columns, path];
  const count = async (): Promise<number> => {
    const query = 'format=__value__&match[]=again';
    const headers = { 'X-Scope-OrgID': 'again' };
    const { text } = await orrery.get(`/api/v1/export/csv?${query}`, { headers });
    return text.split('\n').length - 1;
  };
  const killed = startCtl(['import', '--tenant', 'again', ...args], { cwd: folder });
  while ((await count()) === 0 && !killed.hasEnded()) await sleep(5);
  assert.ok(await killed.kill(), 'the import had ended before it was killed');
  const some = await count();
  assert.ok(some > 0 && some < rows.length, String(some));
  await imported('again', args.slice(2));
  await imported('whole', args.slice(2));
  assert.equal(await count(), rows.length);
  assert.equal(await exported('again'), await exported('whole'));
});
