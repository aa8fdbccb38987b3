// `npm run bench:mixed [-- --connections N] [--seconds S] [--dir DIR] [--json]`: writes of several
// protocols at once over HTTPS, each connection with a protocol and with series of its own: remote
// write, line protocol (plain and gzip), exposition text, OpenTSDB JSON, 500 samples a body. First
// as fast as connections are answered, which is the peak of server and generator on this machine;
// then at half of that rate, each request at a time of its own from which its latency counts.
// Every write is durable when it is answered. What is shown: rates, latencies at half of the peak,
// errors, the server's memory and CPU time, the generator's apart. Exits with 1 where a request
// failed. Linux only: it reads /proc.
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { selfSigned } from '../test/support/certificate.ts';
import { BulkBody, cpuMs, forgetPeak, labelsOf, resident, startServer } from './bulk.ts';
import { tagsOf } from './text-bodies.ts';
import { answerHelp } from './help.ts';

answerHelp(import.meta.filename);

const { values: options } = parseArgs({
  options: {
    connections: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '10' },
    dir: { type: 'string', default: tmpdir() },
    json: { type: 'boolean', default: false },
  },
});
const CONNECTIONS = Number(options.connections);
const PHASE_MS = Number(options.seconds) * 1000;
const WARM_MS = 3000;
const SAMPLES = 500;
const CERTIFICATE = selfSigned('bench');

/** What one connection sends: the head without the length, and the next body, borrowed. */
interface Sender {
  readonly head: string;
  readonly next: () => Uint8Array;
}

function remoteWrite(connection: number): Sender {
  const labels = Array.from({ length: SAMPLES }, (_, i) =>
    labelsOf('mixed', connection * SAMPLES + i),
  );
  const body = new BulkBody(labels, 1);
  const head =
    'POST /api/v1/write HTTP/1.1\r\nContent-Type: application/x-protobuf\r\nContent-Encoding: snappy\r\n';
  return { head, next: () => body.at(Date.now(), 1000) };
}

/** Two bodies without times, in turns. */
function twoBodies(make: (step: number) => Uint8Array): () => Uint8Array {
  const bodies = [make(0), make(1)] as const;
  let count = 0;
  return () => bodies[count++ % 2]!;
}

function lines(connection: number, step: number): Buffer {
  const fields = (i: number): string =>
    Array.from({ length: 10 }, (_, k) => `usage_${k}=${(i * 31 + k * 7 + step) % 100}i`).join(',');
  const made = Array.from(
    { length: SAMPLES / 10 },
    (_, i) => `cpu,${tagsOf(connection * 50 + i, '=', '', ',')} ${fields(i)}\n`,
  );
  return Buffer.from(made.join(''));
}

function lineProtocol(connection: number): Sender {
  const next = twoBodies((step) => lines(connection, step));
  return { head: 'POST /api/v2/write?bucket=mixed HTTP/1.1\r\n', next };
}

function lineProtocolGzip(connection: number): Sender {
  const next = twoBodies((step) => gzipSync(lines(connection, step)));
  const head = 'POST /api/v2/write?bucket=mixed HTTP/1.1\r\nContent-Encoding: gzip\r\n';
  return { head, next };
}

function exposition(connection: number): Sender {
  const next = twoBodies((step) => {
    const made = Array.from({ length: SAMPLES }, (_, i) => {
      const series = connection * SAMPLES + i;
      return `mixed_total{${tagsOf(series, '=', '"', ',')}} ${(series * 7919 + step) % 10_000}\n`;
    });
    return Buffer.from(`# TYPE mixed_total counter\n${made.join('')}`);
  });
  return { head: 'POST /api/v1/import/prometheus HTTP/1.1\r\n', next };
}

function putJson(connection: number): Sender {
  const time = String(Date.now());
  const points = Array.from({ length: SAMPLES }, (_, i) => ({
    metric: `mixed.usage_${i % 10}`,
    timestamp: Number(time),
    value: (i * 7919) % 10_000,
    tags: { host: `host_${connection}_${i}`, region: `us-west-${i % 7}`, team: 'LON' },
  }));
  const body = Buffer.from(JSON.stringify(points));
  const places: number[] = [];
  for (let at = body.indexOf(time); at >= 0; at = body.indexOf(time, at + 1)) places.push(at);
  const next = (): Uint8Array => {
    const now = String(Date.now());
    for (const place of places) body.write(now, place, 'latin1');
    return body;
  };
  return { head: 'POST /api/put HTTP/1.1\r\n', next };
}

const KINDS = [remoteWrite, lineProtocol, lineProtocolGzip, exposition, putJson] as const;

class Connection {
  readonly #socket: TLSSocket;
  readonly #sender: Sender;
  readonly #host: string;
  #text = '';
  #answered: ((status: number) => void) | undefined = undefined;

  constructor(url: URL, sender: Sender) {
    const { hostname, port, host } = url;
    this.#sender = sender;
    this.#host = host;
    this.#socket = connect({ host: hostname, port: Number(port), ca: CERTIFICATE.certificate });
    this.#socket.setNoDelay(true);
    this.#socket.on('data', (chunk: Buffer) => this.#read(chunk));
    this.#socket.on('error', () => this.#answered?.(0));
    this.#socket.on('close', () => this.#answered?.(0));
  }

  async open(): Promise<void> {
    await once(this.#socket, 'secureConnect');
  }

  #read(chunk: Buffer): void {
    this.#text += chunk.toString('latin1');
    const headEnd = this.#text.indexOf('\r\n\r\n');
    if (headEnd < 0) return;
    const length = Number(/content-length: (\d+)/i.exec(this.#text)?.[1] ?? 0);
    if (this.#text.length < headEnd + 4 + length) return;
    const status = Number(this.#text.slice(9, 12));
    this.#text = '';
    this.#answered?.(status);
  }

  /** The status of the answer; 0 where the connection broke. */
  request(): Promise<number> {
    const body = this.#sender.next();
    const { promise, resolve } = Promise.withResolvers<number>();
    this.#answered = resolve;
    this.#socket.cork();
    this.#socket.write(
      `${this.#sender.head}Host: ${this.#host}\r\nContent-Length: ${body.length}\r\n\r\n`,
    );
    // The next body may be made in the same memory before this one has left.
    this.#socket.write(Buffer.from(body));
    this.#socket.uncork();
    return promise;
  }

  end(): void {
    this.#socket.end();
  }
}

interface Counts {
  requests: number;
  errors: number;
}

/** One request after the other on each connection until `endMs`. */
async function sendAll(connections: readonly Connection[], endMs: number): Promise<Counts> {
  const counts = { requests: 0, errors: 0 };
  const lanes = connections.map(async (connection) => {
    while (performance.now() < endMs) {
      const status = await connection.request();
      counts.requests++;
      if (status < 200 || status > 299) counts.errors++;
      if (status === 0) return;
    }
  });
  await Promise.all(lanes);
  return counts;
}

interface Paced extends Counts {
  /** From when a request was due, ascending. */
  readonly latenciesMs: number[];
}

/** So many requests a second over all connections together, each at its time. */
async function sendPaced(
  connections: readonly Connection[],
  { perSecond, phaseMs }: { readonly perSecond: number; readonly phaseMs: number },
): Promise<Paced> {
  const counts: Paced = { requests: 0, errors: 0, latenciesMs: [] };
  const intervalMs = (connections.length / perSecond) * 1000;
  const startMs = performance.now();
  const lanes = connections.map(async (connection, i) => {
    let dueMs = startMs + (i / connections.length) * intervalMs;
    while (dueMs < startMs + phaseMs) {
      const waitMs = dueMs - performance.now();
      if (waitMs > 0) await sleep(waitMs);
      const status = await connection.request();
      counts.latenciesMs.push(performance.now() - dueMs);
      counts.requests++;
      if (status < 200 || status > 299) counts.errors++;
      if (status === 0) return;
      dueMs += intervalMs;
    }
  });
  await Promise.all(lanes);
  counts.latenciesMs.sort((a, b) => a - b);
  return counts;
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

async function openServer(workDir: string) {
  const files = [join(workDir, 'cert.pem'), join(workDir, 'key.pem')] as const;
  await writeFile(files[0], CERTIFICATE.certificate);
  await writeFile(files[1], CERTIFICATE.key);
  const data = join(workDir, 'data');
  return await startServer(['--data', data, '--tls-cert', files[0], '--tls-key', files[1]]);
}

const workDir = await mkdtemp(join(options.dir, 'orrery-mixed-'));
const server = await openServer(workDir);
try {
  const url = new URL(server.url);
  const connections = Array.from(
    { length: CONNECTIONS },
    (_, i) => new Connection(url, KINDS[i % KINDS.length]!(i)),
  );
  await Promise.all(connections.map((connection) => connection.open()));
  const warm = await sendAll(connections, performance.now() + WARM_MS);
  const peak = await sendAll(connections, performance.now() + PHASE_MS);
  const perSecond = peak.requests / (PHASE_MS / 1000) / 2;
  await forgetPeak(server.pid);
  const ownBefore = process.cpuUsage();
  const beforeMs = await cpuMs(server.pid);
  const half = await sendPaced(connections, { perSecond, phaseMs: PHASE_MS });
  const own = process.cpuUsage(ownBefore);
  const serverMs = (await cpuMs(server.pid)) - beforeMs;
  const { nowBytes, peakBytes } = await resident(server.pid);
  for (const connection of connections) connection.end();
  const errors = warm.errors + peak.errors + half.errors;
  const figures = {
    connections: CONNECTIONS,
    peakSamplesPerSecond: Math.round(perSecond * 2 * SAMPLES),
    halfSamplesPerSecond: Math.round((half.requests * SAMPLES) / (PHASE_MS / 1000)),
    p50Ms: quantile(half.latenciesMs, 0.5),
    p99Ms: quantile(half.latenciesMs, 0.99),
    maxMs: quantile(half.latenciesMs, 1),
    errors,
    serverMs,
    generatorMs: (own.user + own.system) / 1000,
    nowBytes,
    peakBytes,
  };
  if (options.json) console.log(JSON.stringify(figures));
  else
    console.log(
      `${CONNECTIONS} connections: ${figures.peakSamplesPerSecond} samples/s at the peak; at half of it` +
        ` (${figures.halfSamplesPerSecond}/s) p50 ${figures.p50Ms.toFixed(1)} ms, p99 ${figures.p99Ms.toFixed(1)} ms,` +
        ` most ${figures.maxMs.toFixed(0)} ms; ${errors} errors; server ${serverMs} ms, generator` +
        ` ${figures.generatorMs.toFixed(0)} ms; resident ${(nowBytes / 1e6).toFixed(0)} MB,` +
        ` at its peak ${(peakBytes / 1e6).toFixed(0)} MB`,
    );
  if (errors > 0) process.exitCode = 1;
} finally {
  await server.stop();
  await rm(workDir, { recursive: true, force: true });
}
