// What an import does with a server that is busy, away or refuses: the same body with the same
// batch id again, in the same order of patience; who is asking; what a terminal shows.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCommand } from './commands.ts';
import { checkBody, mayShare } from './import-check.ts';
import { Progress } from './progress.ts';
import { SendPool } from './send-pool.ts';

interface Asked {
  readonly url: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/** A status and headers for each request; the connection is cut where there is none. */
type Answers = readonly (readonly [number, Record<string, string>?] | 'cut')[];

async function withServer(
  answers: Answers,
  use: (url: string, asked: readonly Asked[]) => Promise<void>,
): Promise<void> {
  const asked: Asked[] = [];
  const server = http.createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const answer = answers[asked.length] ?? [204];
      asked.push({ url: request.url!, headers: request.headers, body });
      if (answer === 'cut') request.socket.destroy();
      else response.writeHead(answer[0], answer[1]).end(answer[0] < 300 ? '' : 'why\n');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, asked);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

async function* stdinOf(text: string): AsyncGenerator<Uint8Array, void> {
  yield Buffer.from(text);
}

async function run(args: readonly string[], stdin: string, env: Record<string, string> = {}) {
  let out = '';
  let err = '';
  const code = await runCommand(args, {
    env,
    isTerminal: false,
    columns: 80,
    out: (text) => (out += text),
    err: (text) => (err += text),
    outBytes: async (bytes) => void (out += Buffer.from(bytes).toString()),
    stdin: stdinOf(stdin),
  });
  return { code, out, err };
}

const PAGE = 'a{l="x"} 1 1000\n';

test('a body is sent again with its batch id until it is answered', async () => {
  const answers: Answers = ['cut', [503], [429, { 'Retry-After': '0' }], [502], [204]];
  await withServer(answers, async (url, asked) => {
    const got = await run(['import', '--json', '-'], PAGE, { ORRERY_URL: url });
    assert.equal(got.code, 0, got.err);
    const { retries, requests, samples } = JSON.parse(got.out) as Record<string, number>;
    assert.deepEqual([retries, requests, samples], [4, 1, 1]);
    assert.equal(asked.length, 5);
    const ids = new Set(asked.map(({ headers }) => headers['x-orrery-batch-id']));
    assert.equal(ids.size, 1);
    assert.match(String([...ids][0]), /^[0-9a-f]{32}$/);
    assert.ok(asked.every(({ body }) => body === PAGE));
  });
});

test('bodies and runs have batch ids of their own', async () => {
  await withServer([], async (url, asked) => {
    const rows = `${'x'.repeat(1000)} 1 1000\n`.repeat(2500);
    const args = ['import', '--format', 'prometheus', '--body-size', '1', '--url', url, '-'];
    assert.equal((await run(args, rows)).code, 0);
    assert.equal((await run(args, rows)).code, 0);
    const ids = asked.map(({ headers }) => headers['x-orrery-batch-id']);
    assert.ok(ids.length >= 2);
    assert.equal(new Set(ids).size, ids.length);
  });
});

test('tenant, token, labels and precision reach the server; what is refused ends the run', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-ctl-'));
  try {
    const token = join(folder, 'token');
    await writeFile(token, ' secret\n');
    await withServer([[204], [403], [500]], async (url, asked) => {
      const who = ['--url', url, '--tenant', 'acme', '--token-file', token];
      const lines = ['--label', 'a=b=c', '--label', 'd=', '--precision', 's', '--db', 'x/y/z'];
      assert.equal((await run(['import', ...who, ...lines, '-'], 'm f=1 1\n')).code, 0);
      assert.equal(
        asked[0]!.url,
        '/write?extra_label=a%3Db%3Dc&extra_label=d%3D&precision=s&db=x&rp=y%2Fz',
      );
      assert.equal(asked[0]!.headers['x-scope-orgid'], 'acme');
      assert.equal(asked[0]!.headers.authorization, 'Bearer secret');
      const refused = await run(['import', ...who, '-'], PAGE);
      assert.equal(refused.code, 3);
      assert.match(refused.err, /orrery import: -: .+ refused it with status 403: why\n$/);
      assert.equal((await run(['import', ...who, '-'], PAGE)).code, 1);
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('patience ends', async () => {
  const busy = Array.from({ length: 50 }, () => [503] as const);
  await withServer(busy, async (url, asked) => {
    const args = ['import', '--url', url, '--retry-for', '700ms', '-'];
    const got = await run(args, PAGE);
    assert.equal(got.code, 1);
    assert.match(got.err, /^status 503: why: trying again\n/);
    assert.match(got.err, /no answer from .+: status 503: why\n$/);
    assert.ok(asked.length >= 2 && asked.length <= 4);
    // A server that asks for more time than there is gets none.
    const { code } = await run(['export', '--url', url, '--retry-for', '100ms'], '');
    assert.equal(code, 1);
  });
});

test('an export that breaks off is none', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-ctl-'));
  const server = http.createServer((request, response) => {
    request.resume();
    response.writeHead(200);
    response.write('half', () => request.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const path = join(folder, 'out.jsonl');
    await writeFile(path, 'before');
    const got = await run(['export', '--url', url, '-o', path], '');
    assert.equal(got.code, 1);
    assert.match(got.err, /stopped in the middle of the export/);
    const { readdir, readFile } = await import('node:fs/promises');
    assert.deepEqual(await readdir(folder), ['out.jsonl']);
    assert.equal(await readFile(path, 'utf8'), 'before');
  } finally {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true, force: true });
  }
});

test('a long export into a packed file waits for the disk without a word about listeners', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-ctl-'));
  const server = http.createServer((request, response) => {
    request.resume();
    response.writeHead(200);
    for (let i = 0; i < 400; i++) response.write(randomBytes(64 * 1024));
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const warnings: Error[] = [];
  const onWarning = (warning: Error): void => void warnings.push(warning);
  process.on('warning', onWarning);
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    for (const name of ['out.jsonl', 'out.jsonl.gz', 'out.jsonl.zst']) {
      const got = await run(['export', '--url', url, '-o', join(folder, name)], '');
      assert.deepEqual([got.code, warnings], [0, []], name);
    }
  } finally {
    process.off('warning', onWarning);
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true, force: true });
  }
});

test('bodies that may share a point keep their order; others need not', () => {
  const check = { format: 'prometheus', precision: 'ns', csv: undefined } as const;
  const span = (text: string, where = '/a') =>
    checkBody(new TextEncoder().encode(text), check, where).span;
  const first = span('m{l="a"} 1 1000\nm{l="b"} 1 2000\n');
  assert.ok(mayShare(first, span('m{l="b"} 2 1500\nother 1 9000\n')));
  assert.ok(!mayShare(first, span('m{l="b"} 2 2001\n')));
  assert.ok(!mayShare(first, span('m{l="c"} 2 1500\n')));
  assert.ok(!mayShare(first, span('m{l="b"} 2 1500\n', '/a?extra_label=x=y')));
  assert.ok(mayShare(span('m 1\n'), span('m 2\n')));
});

test('sends at a time are bounded; the first failure is what is thrown', async () => {
  const pool = new SendPool<string>(2, (running, next) => running === next);
  let running = 0;
  let most = 0;
  const send = async (): Promise<void> => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    running--;
  };
  for (let i = 0; i < 10; i++) await pool.add(String(i), send);
  await pool.drain();
  assert.deepEqual([most, running], [2, 0]);
  most = 0;
  for (let i = 0; i < 4; i++) await pool.add('same', send);
  await pool.drain();
  assert.equal(most, 1);
  await pool.add('x', () => Promise.reject(new Error('first')));
  await assert.rejects(pool.drain(), /first/);
  await assert.rejects(pool.add('y', send), /first/);
  await pool.settle();
});

test('progress: a bar on a terminal, a line for each tenth in a pipe, a rate', () => {
  const told = (isTerminal: boolean, totalBytes: number | undefined) => {
    let text = '';
    const terminal = {
      env: {},
      isTerminal,
      columns: 60,
      out: () => assert.fail('results only'),
      err: (one: string) => (text += one),
      outBytes: () => assert.fail('results only'),
      stdin: stdinOf(''),
    };
    const progress = new Progress(terminal, { verb: 'imported', totalBytes, isQuiet: false });
    for (let i = 0; i < 20; i++) progress.add(50, 'a\u001b[31m');
    progress.end();
    return text.replaceAll('\u001b', 'ESC');
  };
  assert.equal(told(false, 1000).trimEnd().split('\n').length, 10);
  assert.match(told(false, 1000), /^imported {2}10 % {2}100 B of 1000 B\n/);
  assert.equal(told(false, undefined), '');
  assert.match(told(true, 1000), /^\rESC\[K█+░+ imported +\d+ % .*\rESC\[K$/);
  assert.match(told(true, undefined), /^\rESC\[Kimported 50 B {2}a\\u\{1b\}\[31m\rESC\[K$/);
});
