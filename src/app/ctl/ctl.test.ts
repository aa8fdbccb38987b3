// The command line without a process: help, usage errors, tables, sparklines, hostile text.
import assert from 'node:assert/strict';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { runCommand } from './commands.ts';
import { sparkline, tableText } from './draw.ts';

async function* stdinOf(text: string): AsyncGenerator<Uint8Array, void> {
  if (text !== '') yield Buffer.from(text);
}

async function run(args: readonly string[], env: Record<string, string> = {}) {
  let out = '';
  let err = '';
  const code = await runCommand(args, {
    env,
    isTerminal: true,
    columns: 80,
    out: (text) => (out += text),
    err: (text) => (err += text),
    outBytes: async (bytes) => void (out += Buffer.from(bytes).toString()),
    stdin: stdinOf(''),
  });
  return { code, out, err };
}

/** A server that gives one answer and remembers the last question. */
async function withAnswer(
  status: number,
  body: string,
  use: (url: string, asked: () => string) => Promise<void>,
) {
  let asked = '';
  const server = http.createServer((request, response) => {
    request.on('data', (chunk: Buffer) => (asked = `${request.url} ${chunk.toString()}`));
    request.on('end', () => response.writeHead(status).end(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, () => asked);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('help everywhere, unknown commands and flags', async () => {
  assert.match(
    (await run(['--help'])).out,
    /serve.*query.*import.*export.*backup.*restore.*check/s,
  );
  assert.match((await run(['backup', '--help'])).out, /--keep N/);
  assert.match((await run(['import', '--help'])).out, /Examples:\n {2}orrery import metrics\.prom/);
  assert.match((await run(['export', '--help'])).out, /Examples:\n {2}orrery export --exact/);
  assert.equal((await run(['import'])).code, 2);
  assert.equal((await run(['import', 'x', '--parallel', '0'])).code, 2);
  assert.equal((await run(['export', 'up'])).code, 2);
  assert.equal((await run(['export', '--format', 'csv', '--exact'])).code, 2);
  assert.match((await run(['restore', '--help'])).out, /--backup NAME/);
  assert.equal((await run(['backup'])).code, 2);
  assert.equal((await run(['restore', 'a', 'b'])).code, 2);
  assert.match((await run(['query', '--help'])).out, /--step DURATION/);
  assert.match((await run(['--version'])).out, /^orrery \d/);
  assert.deepEqual(await run(['qery']), {
    code: 2,
    out: '',
    err: 'orrery: unknown command qery; did you mean query? (orrery --help)\n',
  });
  assert.deepEqual(await run(['query', 'up', '--tim', '1']), {
    code: 2,
    out: '',
    err: 'orrery query: unknown flag --tim (orrery query --help)\n',
  });
  assert.match(
    (await run(['backup', 'to', '--url'])).err,
    /^orrery backup: .*--url.* missing \(orrery backup --help\)\n$/,
  );
  assert.equal((await run(['query'])).code, 2);
  assert.equal((await run(['query', 'up', '--step', '1s'])).code, 2);
  assert.equal((await run(['query', 'up', '--time', 'noon'])).code, 2);
  assert.equal((await run(['query', 'up', '--time', 'now-6parsecs'])).code, 2);
});

test('an instant vector is a table without control characters', async () => {
  const metric = { __name__: 'up', job: 'a\u001b[31m' };
  const body = {
    status: 'success',
    data: { resultType: 'vector', result: [{ metric, value: [1, '7'] }] },
  };
  await withAnswer(200, JSON.stringify(body), async (url, asked) => {
    const got = await run(['query', 'up', '--url', url, '--time', '2026-01-01T00:00:00Z']);
    assert.equal(asked(), '/api/v1/query query=up&time=1767225600');
    assert.equal(got.code, 0);
    assert.ok(!got.out.includes('\u001b'));
    assert.match(got.out, /^series +value\nup\{job="a.*\} +7\n$/);
    assert.equal(
      (await run(['query', 'up', '--json'], { ORRERY_URL: url })).out,
      `${JSON.stringify(body)}\n`,
    );
  });
});

test('a range has last, min, max and a sparkline', async () => {
  const values = [1, 5, 3].map((value, i) => [i, String(value)]);
  const body = {
    status: 'success',
    data: { resultType: 'matrix', result: [{ metric: {}, values }] },
  };
  await withAnswer(200, JSON.stringify(body), async (url, asked) => {
    await run(['query', 'x', '--url', url, '--start', 'now-2h', '--end', 'now-1h', '--step', '9s']);
    const [, start, end] = /start=([\d.]+)&end=([\d.]+)/.exec(asked())!;
    assert.ok(Math.abs(Number(end) - Number(start) - 3600) < 5, asked());
    const got = await run(['query', 'x', '--url', url, '--start', '0', '--end', '200']);
    assert.equal(asked(), '/api/v1/query_range query=x&start=0&end=200&step=2');
    assert.match(got.out, /\{\} +3 +1 +5 +▁█▅\n$/);
  });
});

test('refusals and absent servers have their own exit codes', async () => {
  const body = '{"status":"error","errorType":"bad_data","error":"parse error"}';
  await withAnswer(400, body, async (url) => {
    const got = await run(['query', '(', '--url', url]);
    assert.deepEqual([got.code, got.err], [3, 'orrery query: parse error\n']);
  });
  const hostile = JSON.stringify({ status: 'error', error: 'no\u001b[2J\u009b2J' });
  await withAnswer(400, hostile, async (url) => {
    const { err } = await run(['query', '(', '--url', url]);
    assert.equal(err, 'orrery query: no\\u{1b}[2J\\u{9b}2J\n');
  });
  await withAnswer(404, '{"error":{"code":"no-such-path"}}', async (url) => {
    assert.match((await run(['query', 'x', '--url', `${url}/x`])).err, /"code":"no-such-path"/);
  });
  await withAnswer(200, '<html>', async (url) => {
    assert.match(
      (await run(['query', 'x', '--url', url])).err,
      /does not speak the Prometheus API/,
    );
  });
  for (const url of ['127.0.0.1:4332', 'ftp://x', 'http://'])
    assert.deepEqual(await run(['tenant', 'list', '--url', url]), {
      code: 2,
      out: '',
      err: `orrery tenant: --url "${url}": expected an address, e.g. http://127.0.0.1:4332\n`,
    });
  assert.match((await run(['query', 'x'], { ORRERY_URL: 'x' })).err, /: ORRERY_URL "x": expected/);
  const absent = await run(['query', 'x', '--url', 'http://127.0.0.1:9']);
  assert.equal(absent.code, 1);
  assert.match(absent.err, /no answer from/);
});

test('check config', async () => {
  const valid = await run(['check', 'config', '--json'], { ORRERY_QUERY_TIMEOUT: '5s' });
  assert.equal(valid.code, 0);
  assert.partialDeepStrictEqual(JSON.parse(valid.out), {
    ok: true,
    settings: { queryTimeoutMs: 5000 },
    origins: { queryTimeoutMs: 'ORRERY_QUERY_TIMEOUT' },
  });
  const invalid = await run(['check', 'config', '/no/such/file.yaml']);
  assert.deepEqual([invalid.code, invalid.out], [2, '']);
  assert.match(invalid.err, /no file/);
  const rules = await run(['check', 'config'], { ORRERY_RELABEL_CONFIG: '/no/such/rules.yml' });
  assert.equal(rules.code, 2);
  assert.match(rules.err, /check config: --relabel-config \/no\/such\/rules\.yml: .*no such file/);
  assert.equal((await run(['check', 'data'])).code, 2);
});

test('drawing', () => {
  assert.equal(sparkline([1, 1]), '▁▁');
  assert.equal(sparkline([0, Number.NaN, 7]), '▁ █');
  assert.equal(sparkline(Array.from({ length: 1000 }, (_, i) => i)).length, 40);
  assert.equal(
    tableText(
      [
        ['a', 'b'],
        ['x'.repeat(100), '1'],
      ],
      40,
    ).split('\n')[1]!.length,
    40,
  );
});
