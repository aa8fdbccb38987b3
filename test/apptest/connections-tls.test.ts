// HTTPS on the one port: versions, errors that say what to do, files that change while the server
// runs, ingest threads, and all protocols at once over two hundred connections.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import https from 'node:https';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import zlib from 'node:zlib';
import { encodeSnappy } from '../../src/codec/snappy.ts';
import { selfSigned } from '../support/certificate.ts';
import type { TestCertificate } from '../support/certificate.ts';
import * as otlp from '../support/otlp.ts';
import { bytesField, doubleField, varintField } from '../support/protobuf-writer.ts';
import { runCtl, runOrrery, startOrrery } from './harness.ts';
import type { RunningOrrery } from './harness.ts';

const T = 1_750_000_000;
const CONNECTIONS = 200;
const ROUNDS = 5;
const RENEWED_MS_MAX = 20_000;

let folder: string;
let files: readonly string[];
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orrery-tls-'));
  files = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
});
after(() => rm(folder, { recursive: true, force: true }));

/** As those who renew certificates do it: each file replaced whole, one after the other. */
async function put({ certificate, key }: TestCertificate): Promise<void> {
  for (const [i, text] of [certificate, key].entries()) {
    await writeFile(`${files[i]}.new`, text);
    await rename(`${files[i]}.new`, files[i]!);
  }
}

function flags(): string[] {
  return ['--no-collect', '--tls-cert', files[0]!, '--tls-key', files[1]!];
}

interface Sent {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array;
}

async function send(orrery: RunningOrrery, agent: https.Agent, { path, ...rest }: Sent) {
  const { method = 'POST', headers = {}, body = '' } = rest;
  const options = { host: '127.0.0.1', port: orrery.port, path, method, headers, agent };
  const request = https.request(options);
  request.end(body);
  const [answer] = (await once(request, 'response')) as [import('node:http').IncomingMessage];
  let text = '';
  for await (const chunk of answer) text += String(chunk);
  return { status: answer.statusCode!, text };
}

/** Lines of our own metrics that are not as they should be. */
async function strangeMetrics(
  orrery: RunningOrrery,
  agent: https.Agent,
  expected: readonly RegExp[],
): Promise<readonly string[]> {
  const { text } = await send(orrery, agent, { method: 'GET', path: '/metrics' });
  const lines = text.split('\n');
  const missing = expected.filter((one) => !lines.some((line) => one.test(line))).map(String);
  const errors = lines.filter((line) => /^orrery_http_internal_errors_total [1-9]/.test(line));
  const all = lines.filter((line) => /^orrery_(?:tls|http_body)/.test(line));
  return missing.length + errors.length === 0 ? [] : [...missing, ...errors, ...all];
}

/** The name in the certificate that a new connection is shown. */
async function shownName(orrery: RunningOrrery): Promise<string> {
  const socket = tls.connect({ host: '127.0.0.1', port: orrery.port, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { CN: name } = socket.getPeerCertificate().subject;
  socket.destroy();
  return String(name);
}

async function untilShown(orrery: RunningOrrery, name: string): Promise<void> {
  const endMs = Date.now() + RENEWED_MS_MAX;
  while ((await shownName(orrery)) !== name) {
    assert.ok(Date.now() < endMs, `still not ${name}: ${orrery.output()}`);
    await sleep(100);
  }
}

async function untilLogged(orrery: RunningOrrery, text: RegExp): Promise<void> {
  const endMs = Date.now() + RENEWED_MS_MAX;
  while (!text.test(orrery.output())) {
    assert.ok(Date.now() < endMs, orrery.output());
    await sleep(100);
  }
}

test('what is wrong with the files ends the start with a sentence', async () => {
  const good = selfSigned('good');
  const other = selfSigned('other');
  const encrypted = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' },
  });
  const check = async (args: readonly string[], code: number, message: RegExp) => {
    const exited = await runOrrery(['serve', '--data', join(folder, 'none'), ...args]);
    assert.deepEqual([exited.code, exited.stderr.split('\n').length], [code, 2], exited.stderr);
    assert.match(exited.stderr, message);
  };
  const [cert, key] = files as [string, string];
  await check(['--tls-cert', cert], 2, /--tls-cert needs --tls-key as well/);
  await check(['--tls-key', key], 2, /--tls-key needs --tls-cert as well/);
  await check(flags(), 2, /--tls-cert: there is no file ".*cert\.pem"/);
  await put({ ...good, certificate: 'nonsense' });
  await check(flags(), 2, /cert\.pem holds no certificate in PEM form/);
  await put({ ...good, key: 'nonsense' });
  await check(flags(), 2, /key\.pem holds no private key in PEM form/);
  await put({ ...good, key: encrypted.privateKey });
  await check(flags(), 2, /key\.pem is encrypted; a key without a passphrase/);
  await put({ ...good, key: other.key });
  await check(flags(), 2, /the private key in .*key\.pem is not the one of the certificate in/);
  const env = { ORRERY_TLS_CERT: cert, ORRERY_TLS_KEY: key };
  const bad = await runCtl(['check', 'config'], { env });
  assert.match(bad.stdout + bad.stderr, /is not the one of the certificate in/);
  assert.notEqual(bad.code, 0);
  await put(good);
  assert.equal((await runCtl(['check', 'config'], { env })).code, 0);
});

test('versions, plain HTTP on the port, and a file that changes', { timeout: 90_000 }, async () => {
  const first = selfSigned('first');
  await put(first);
  const orrery = await startOrrery([...flags(), '--opentsdb-telnet', '127.0.0.1:0']);
  try {
    // A listener of its own, without TLS.
    const telnet = await fetch(`http://${String(orrery.ready['opentsdb-telnet'])}/-/healthy`);
    assert.equal(telnet.status, 200);
    assert.match(orrery.url, /^https:\/\/127\.0\.0\.1:\d+$/);
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca: first.certificate });
    const healthy = { method: 'GET', path: '/-/healthy' };
    assert.equal((await send(orrery, agent, healthy)).status, 200);
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const only = { minVersion: version, maxVersion: version } as const;
      const one = new https.Agent({ ca: first.certificate, ...only });
      assert.equal((await send(orrery, one, healthy)).status, 200, version);
    }
    const old = {
      minVersion: 'TLSv1.1',
      maxVersion: 'TLSv1.1',
      ciphers: 'ALL@SECLEVEL=0',
    } as const;
    const refused = new https.Agent({ ca: first.certificate, ...old });
    await assert.rejects(send(orrery, refused, healthy), /alert protocol version|unsupported/);
    const plain = net.connect(orrery.port, '127.0.0.1');
    plain.on('error', () => undefined);
    plain.write('GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n');
    let answer = '';
    plain.on('data', (chunk) => (answer += chunk.toString('latin1')));
    await once(plain, 'close');
    assert.doesNotMatch(answer, /healthy/);
    const counted = [
      /^orrery_tls_handshakes_failed_total 2$/,
      /^orrery_tls_certificate_expiry_timestamp_seconds (?:\d{10}|1\.\d+e\+09)$/,
    ];
    assert.deepEqual(await strangeMetrics(orrery, agent, counted), []);

    // Half of a new pair, then garbage: the old one is shown and somebody is told.
    const second = selfSigned('second', { endMs: Date.now() - 1000 });
    await writeFile(files[0]!, second.certificate);
    await untilLogged(orrery, /the pair before stays in use.*is not the one of the certificate/);
    assert.equal(await shownName(orrery), 'first');
    await writeFile(files[0]!, 'half a fi');
    await untilLogged(orrery, /the pair before stays in use.*holds no certificate in PEM form/);
    assert.equal(await shownName(orrery), 'first');
    await put(second);
    await untilShown(orrery, 'second');
    assert.match(orrery.output(), /the TLS certificate has expired/);
    // The connection that was made with the first one goes on.
    assert.equal((await send(orrery, agent, healthy)).status, 200);
    agent.destroy();
  } finally {
    const exited = await orrery.stop();
    assert.equal(exited.code, 0, exited.stdout + exited.stderr);
  }
});

function writeRequest(name: string, i: number): Uint8Array {
  const label = (key: string, value: string) =>
    bytesField(1, [...bytesField(1, key), ...bytesField(2, value)]);
  const sample = [...doubleField(1, i), ...varintField(2, T * 1000)];
  const series = [...label('__name__', name), ...label('i', `${i}`), ...bytesField(2, sample)];
  return encodeSnappy(Uint8Array.from(bytesField(1, series)));
}

/** One write of the i-th connection, one point of `name{i}` with the value i. */
const WRITES: Readonly<Record<string, (name: string, i: number) => Sent>> = {
  influx: (name, i) => ({ path: '/write?precision=s', body: `${name},i=${i} value=${i} ${T}` }),
  gzip: (name, i) => ({
    path: '/api/v2/write?bucket=&precision=s',
    headers: { 'Content-Encoding': 'gzip' },
    body: zlib.gzipSync(`${name},i=${i} value=${i} ${T}`),
  }),
  remoteWrite: (name, i) => ({
    path: '/api/v1/write',
    headers: { 'Content-Type': 'application/x-protobuf', 'Content-Encoding': 'snappy' },
    body: writeRequest(name, i),
  }),
  text: (name, i) => ({
    path: '/api/v1/import/prometheus',
    body: `${name}{i="${i}"} ${i} ${T}000\n`,
  }),
  json: (name, i) => ({
    path: '/api/v1/import',
    body: JSON.stringify({
      metric: { __name__: name, i: `${i}` },
      values: [i],
      timestamps: [T * 1000],
    }),
  }),
  opentsdb: (name, i) => ({
    path: '/api/put',
    body: JSON.stringify({ metric: name, timestamp: T, value: i, tags: { i: `${i}` } }),
  }),
  graphite: (name, i) => ({
    path: '/graphite/api/v1/sink',
    body: `${name};i=${i} ${i} ${T}\n`,
  }),
  warp10: (name, i) => ({
    path: '/api/v0/update',
    headers: { 'X-Warp10-Token': 'x' },
    body: `${T}000000// ${name}{i=${i}} ${i}.0\n`,
  }),
  otlp: (name, i) => ({
    path: '/v1/metrics',
    headers: { 'Content-Type': 'application/x-protobuf' },
    body: otlp.request([
      otlp.gauge({ name }, [
        { timeNs: BigInt(T) * 10n ** 9n, value: i, attributes: { i: `${i}` } },
      ]),
    ]),
  }),
};

async function mixed(more: readonly string[]): Promise<void> {
  const pair = selfSigned('mixed');
  await put(pair);
  const orrery = await startOrrery([...flags(), ...more]);
  const agent = new https.Agent({
    keepAlive: true,
    maxSockets: CONNECTIONS,
    ca: pair.certificate,
  });
  const kinds = Object.entries(WRITES);
  try {
    const connection = async (number: number): Promise<void> => {
      for (let round = 0; round < ROUNDS; round++) {
        const i = round * CONNECTIONS + number;
        const [kind, write] = kinds[i % kinds.length]!;
        const { status, text } = await send(orrery, agent, write(`mixed_${kind}`, i));
        assert.ok(status >= 200 && status < 300, `${kind}: ${status} ${text}`);
        if (i % 7 !== 0) continue;
        const query = `/api/v1/query?query=mixed_${kind}{i="${i}"}&time=${T}`;
        const found = await send(orrery, agent, { method: 'GET', path: query });
        const { data } = JSON.parse(found.text) as {
          data: { result: readonly { value: readonly unknown[] }[] };
        };
        assert.deepEqual(
          data.result.map(({ value }) => value[1]),
          [`${i}`],
          kind,
        );
      }
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, (_, number) => connection(number)));
    const count = `/api/v1/query?query=count({__name__=~"mixed_.*"})&time=${T}`;
    const all = await send(orrery, agent, { method: 'GET', path: count });
    assert.match(all.text, new RegExp(`"${CONNECTIONS * ROUNDS}"`));
    const counted = [
      /^orrery_tls_handshakes_failed_total 0$/,
      /^orrery_http_body_bytes_in_flight 0$/,
    ];
    assert.deepEqual(await strangeMetrics(orrery, agent, counted), []);
    const second = selfSigned('renewed');
    await put(second);
    await untilShown(orrery, 'renewed');
  } finally {
    agent.destroy();
    const exited = await orrery.stop();
    assert.equal(exited.code, 0, exited.stdout + exited.stderr);
  }
}

test('all protocols over 200 connections', { timeout: 120_000 }, async () => {
  await mixed([]);
});

test('all protocols over 200 connections, by ingest threads', { timeout: 120_000 }, async () => {
  await mixed(['--shards', '2']);
});
