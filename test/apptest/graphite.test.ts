// Graphite over real sockets: TCP lines cut anywhere, datagrams, the HTTP sink; bad lines never
// end a connection and can be looked at; a sender is slowed down, not lost; what has arrived is
// written before the end.
import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import zlib from 'node:zlib';
import { runOrrery, startOrrery } from './harness.ts';
import type { RunningOrrery } from './harness.ts';

const ARGS = ['--no-collect', '--graphite', '127.0.0.1:0'];
const T = 1_750_000_000;

let orrery: RunningOrrery;
before(async () => {
  orrery = await startOrrery(ARGS);
});
after(async () => {
  const exited = await orrery.stop();
  assert.equal(exited.code, 0, exited.stdout + exited.stderr);
});

function portOf(server: RunningOrrery): number {
  return Number(String(server.ready['graphite']).split(':')[1]);
}

async function connect(server: RunningOrrery): Promise<net.Socket> {
  const socket = net.connect(portOf(server), '127.0.0.1');
  socket.setNoDelay(true);
  await once(socket, 'connect');
  return socket;
}

/** Ends the connection and waits until the server has ended it too. */
async function finish(socket: net.Socket): Promise<void> {
  socket.resume();
  const closed = once(socket, 'close');
  socket.end();
  await closed;
}

interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (number | string)[];
  readonly timestamps: readonly number[];
}

async function exported(server: RunningOrrery, matcher: string): Promise<Series[]> {
  const { text } = await server.get(`/api/v1/export?match[]=${encodeURIComponent(matcher)}`);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Series);
}

async function metric(server: RunningOrrery, name: string): Promise<number> {
  const { text } = await server.get('/metrics');
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  return line === undefined ? 0 : Number(line.slice(name.length + 1));
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if (await isSo()) return;
    await sleep(50);
  }
  assert.fail(`${what} did not happen`);
}

async function refusedReasons(server: RunningOrrery): Promise<string[]> {
  const { text } = await server.get('/orrery/v1/refused-lines');
  const { lines } = JSON.parse(text) as { lines: { reason: string }[] };
  return lines.map(({ reason }) => reason);
}

test('lines cut at any byte give the same points', async () => {
  const lines = `cut.a;host=wéb 1.5 ${T}\r\ncut.b 1e-9 ${T}.25\n\n  cut.a;host=wéb\t2 ${T + 1}\n`;
  const bytes = Buffer.from(lines);
  for (const step of [1, 2, 3, 7, 50, 1000]) {
    const socket = await connect(orrery);
    for (let at = 0; at < bytes.length; at += step) {
      socket.write(bytes.subarray(at, at + step));
      if (step < 50) await new Promise((resolve) => setImmediate(resolve));
    }
    await finish(socket);
    assert.deepEqual(await exported(orrery, '{__name__=~"cut.*"}'), [
      {
        metric: { __name__: 'cut.a', host: 'wéb' },
        values: [1.5, 2],
        timestamps: [T * 1000, (T + 1) * 1000],
      },
      { metric: { __name__: 'cut.b' }, values: [1e-9], timestamps: [T * 1000 + 250] },
    ]);
    const gone = await orrery.post('/orrery/v1/delete?match[]={__name__=~"cut.*"}', '');
    assert.equal(gone.status, 200, gone.text);
  }
});

test('bad lines leave the connection and their neighbours alone, and can be looked at', async () => {
  const refusedBefore = await metric(
    orrery,
    'orrery_ingest_refused_rows_total{protocol="graphite"}',
  );
  const socket = await connect(orrery);
  socket.write(`bad.ok 1 ${T}\nbad;tag 1 ${T}\nbad one two three four\nbad.x yes ${T}\n`);
  socket.write(Buffer.from(`b\xffd 1 ${T}\nbad.nan nan ${T}\n`, 'latin1'));
  socket.write(`bad.ok 2 ${T + 1}\n`);
  await until('the last line', async () => {
    const [series] = await exported(orrery, '{__name__="bad.ok"}');
    return series?.values.length === 2;
  });
  assert.equal(socket.readyState, 'open');
  const reasons = await refusedReasons(orrery);
  assert.ok(reasons.includes(`unable to parse 'bad;tag 1 ${T}': tag 'tag' has no equals sign`));
  assert.ok(reasons.some((reason) => reason.includes("'bad.x yes")));
  assert.equal(
    await metric(orrery, 'orrery_ingest_refused_rows_total{protocol="graphite"}'),
    refusedBefore + 4,
  );
  assert.equal(await metric(orrery, 'orrery_graphite_nan_lines_total'), 1);
  assert.equal(await metric(orrery, 'orrery_line_connections{protocol="graphite"}'), 1);
  // Of another tenant nothing is told.
  const other = await orrery.get('/orrery/v1/refused-lines', { headers: { 'X-Scope-OrgID': 'x' } });
  assert.deepEqual(JSON.parse(other.text), { count: 0, counts: [], lines: [] });
  await finish(socket);
});

test('a line without an end and one that is too long are refused and counted', async () => {
  const socket = await connect(orrery);
  socket.write(`long.a 1 ${T}\n`);
  socket.write(`long.${'x'.repeat(300_000)} 1 ${T}\nlong.b 1 ${T}\nlong.c 12`);
  await finish(socket);
  const names = (await exported(orrery, '{__name__=~"long.*"}')).map(
    ({ metric: labels }) => labels['__name__'],
  );
  assert.deepEqual(names, ['long.a', 'long.b']);
  const lost = (reason: string) =>
    metric(orrery, `orrery_lines_lost_total{protocol="graphite",reason="${reason}"}`);
  assert.equal(await lost('too long'), 1);
  assert.equal(await lost('unfinished'), 1);
  const reasons = await refusedReasons(orrery);
  assert.ok(reasons.some((reason) => reason.endsWith('the line is longer than 65536 bytes')));
});

test('datagrams hold lines, with and without a last line break', async () => {
  const socket = dgram.createSocket('udp4');
  const send = (text: string) =>
    new Promise((resolve) => socket.send(text, portOf(orrery), '127.0.0.1', resolve));
  await send(`udp.a 1 ${T}\nudp.b 2 ${T}`);
  await send(`udp.a 3 ${T + 1}\r\n`);
  await send('');
  await send(`udp.c`);
  await send(`udp.b 4 ${T + 1}`);
  socket.close();
  const total = async () => {
    const all = await exported(orrery, '{__name__=~"udp.*"}');
    return all.flatMap(({ values }) => values);
  };
  await until('all datagrams', async () => (await total()).length === 4);
  assert.deepEqual(await total(), [1, 3, 2, 4]);
  assert.equal(await metric(orrery, 'orrery_datagrams_total{protocol="graphite"}'), 5);
  assert.ok((await refusedReasons(orrery)).some((reason) => reason.includes("'udp.c'")));
});

test('the sink keeps the good lines and says which are bad', async () => {
  const path = '/graphite/api/v1/sink';
  const good = await orrery.post(path, `sink.a;t=1 1 ${T}\nsink.a;t=1 2 ${T + 1}`);
  assert.deepEqual([good.status, good.text], [202, '']);
  const packed = zlib.gzipSync(`sink.b 7 ${T}\n`);
  const zipped = await orrery.post(path, packed, { headers: { 'Content-Encoding': 'gzip' } });
  assert.equal(zipped.status, 202);
  const bad = await orrery.post(path, `sink.c 1 ${T}\nsink.c\nsink.c 2 ${T + 1}\nsink;x 1\n`);
  assert.equal(bad.status, 422);
  assert.match(bad.text, /^refused lines: 2, kept samples: 2\nline 2: unable to parse 'sink.c': /);
  const forced = await orrery.post(`${path}?extra_label=dc=ams`, `sink.d 1 ${T}`);
  assert.equal(forced.status, 202);
  const found = await exported(orrery, '{__name__=~"sink.*"}');
  assert.deepEqual(
    found.map(({ metric: labels, values }) => [Object.values(labels).join(' '), values]),
    [
      ['sink.a 1', [1, 2]],
      ['sink.b', [7]],
      ['sink.c', [1, 2]],
      ['sink.d ams', [1]],
    ],
  );
});

test('what has arrived before SIGTERM is there after the next start', async () => {
  const data = await mkdtemp(join(tmpdir(), 'orrery-graphite-'));
  try {
    const first = await startOrrery([...ARGS, '--data', data]);
    const sockets = await Promise.all([1, 2, 3].map(() => connect(first)));
    const lineCount = 20_000;
    for (const [n, socket] of sockets.entries()) {
      const lines = Array.from({ length: lineCount }, (_, i) => `stop.s${n} ${i} ${T + i}\n`);
      const flushed = new Promise((resolve) => socket.write(lines.join(''), resolve));
      await flushed;
    }
    const exited = await first.stop();
    assert.equal(exited.code, 0, exited.stdout + exited.stderr);
    const second = await startOrrery([...ARGS, '--data', data]);
    for (const n of sockets.keys()) {
      const pieces = await exported(second, `{__name__="stop.s${n}"}`);
      const values = pieces.flatMap((piece) => piece.values);
      assert.deepEqual(
        values,
        Array.from({ length: lineCount }, (_, i) => i),
      );
    }
    await second.stop();
  } finally {
    await rm(data, { recursive: true, force: true });
  }
});

test('a sender whose lines cannot be written is not read on; datagrams are dropped', async () => {
  const full = await startOrrery([
    ...ARGS,
    '--min-free-disk',
    '99.9999%',
    '--drain-timeout',
    '500ms',
  ]);
  const socket = await connect(full);
  const body = `full.a 1 ${T}\n`.repeat(2_000_000);
  let isTaken = false;
  socket.write(body, () => (isTaken = true));
  socket.on('error', () => undefined);
  const pauses = 'orrery_line_pauses_total{protocol="graphite"}';
  await until('a pause', async () => (await metric(full, pauses)) > 0);
  const sender = dgram.createSocket('udp4');
  const datagram = `full.b 1 ${T}\n`.repeat(3000);
  const dropped = 'orrery_datagrams_dropped_total{protocol="graphite"}';
  await until('a dropped datagram', async () => {
    for (let i = 0; i < 50; i++)
      await new Promise((resolve) => sender.send(datagram, portOf(full), '127.0.0.1', resolve));
    return (await metric(full, dropped)) > 0;
  });
  sender.close();
  assert.equal(isTaken, false, 'all of it was read');
  assert.equal((await full.get('/-/healthy')).status, 200);
  const exited = await full.stop();
  assert.equal(exited.code, 0, exited.stdout + exited.stderr);
  assert.match(exited.stdout, /"msg":"lines wait"/);
  assert.match(exited.stdout, /"msg":"lines lost"/);
  socket.destroy();
});

test('a limit of series refuses lines, not the connection: known series go on', async () => {
  const limited = await startOrrery([...ARGS, '--limit', 'active-series=1']);
  const socket = await connect(limited);
  socket.write(`first 1 ${T}\nsecond 1 ${T}\nthird 1 ${T}\n`);
  const written = 'orrery_ingest_samples_total{protocol="graphite"';
  await until('the first line', async () => {
    const { text } = await limited.get('/metrics');
    return text.includes(written);
  });
  assert.equal(socket.closed, false);
  socket.write(`second 2 ${T + 1}\nfirst 2 ${T + 1}\n`);
  await finish(socket);
  await until('both lines of the known series', async () => {
    const [one] = await exported(limited, 'first');
    return one?.values.length === 2;
  });
  assert.deepEqual(await exported(limited, '{__name__=~"second|third"}'), []);
  const exited = await limited.stop();
  assert.equal(exited.code, 0, exited.stdout + exited.stderr);
});

test('an address that is taken or open to all ends the start with a sentence', async () => {
  const taken = await runOrrery([
    '--no-collect',
    '--graphite',
    `127.0.0.1:${portOf(orrery)}`,
    '--http',
    '127.0.0.1:0',
  ]);
  assert.equal(taken.code, 1);
  assert.match(taken.stderr, /--graphite: cannot listen on 127.0.0.1:\d+: .*EADDRINUSE/);
  const open = await runOrrery(['--graphite', '0.0.0.0:0', '--http', '127.0.0.1:0']);
  assert.equal(open.code, 2);
  assert.match(open.stderr, /0.0.0.0:0 is not a loopback address.*--insecure/);
});
