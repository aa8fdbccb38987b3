// `npm run bench:texts [-- --rows NAME,…] [--bodies N] [--dir DIR] [--json]`: what the server
// pays for samples that come as text: exposition text and OpenTSDB JSON over HTTP, Graphite over
// TCP, each over four connections into a fresh server, 10,000 series a body, one body a step. A row
// may have ways of sending behind its name: `exposition+gzip+tls+50` compresses its bodies, speaks
// HTTPS and uses 50 connections. CPU time (user and system, all threads) of the server until
// everything is acknowledged or, for Graphite, counted, and with the flush behind it; the generator
// is this process and stands apart. Line protocol and remote write are rows of `npm run bench`.
// Linux only: it reads /proc.
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { selfSigned } from '../test/support/certificate.ts';
import { ask, cpuMs, resident, startServer, trust } from './bulk.ts';
import type { BenchServer } from './bulk.ts';
import { BODY_SERIES, madeGraphite, madePage, madePutJson } from './text-bodies.ts';
import { answerHelp } from './help.ts';

answerHelp(import.meta.filename);

const { values: options } = parseArgs({
  options: {
    rows: { type: 'string', default: 'exposition,graphite,opentsdb' },
    bodies: { type: 'string', default: '300' },
    dir: { type: 'string', default: tmpdir() },
    json: { type: 'boolean', default: false },
  },
});
const BODIES = Number(options.bodies);
const CONNECTIONS = 4;
const CERTIFICATE = selfSigned('bench');
const GRAPHITE_PORT = 22_003;
const COUNT_EVERY_MS = 50;
const COUNT_MS_MAX = 120_000;

interface Row {
  readonly make: (step: number) => Uint8Array;
  /** Of the request; undefined: lines over TCP. */
  readonly path?: string;
}

/** How a row is sent. */
interface Ways {
  readonly isGzip: boolean;
  readonly isTls: boolean;
  readonly connections: number;
}

const ROWS: Readonly<Record<string, Row>> = {
  exposition: { make: madePage, path: '/api/v1/import/prometheus' },
  graphite: { make: madeGraphite },
  opentsdb: { make: madePutJson, path: '/api/put' },
};

/** Resolves when one whole answer is there. */
async function answered(socket: Socket): Promise<void> {
  let text = '';
  for (;;) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    text += chunk.toString('latin1');
    const headEnd = text.indexOf('\r\n\r\n');
    if (headEnd < 0) continue;
    const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
    if (text.length < headEnd + 4 + length) continue;
    if (!text.startsWith('HTTP/1.1 2')) throw new Error(text);
    return;
  }
}

/** Every so-many-th body over one connection, each when the one before was answered. */
async function sendRequests(
  url: URL,
  row: Row,
  ways: Ways,
  { bodies, first }: { readonly bodies: readonly Uint8Array[]; readonly first: number },
): Promise<void> {
  const address = { host: url.hostname, port: Number(url.port) };
  const socket = ways.isTls
    ? connectTls({ ...address, ca: CERTIFICATE.certificate })
    : connect({ ...address, noDelay: true });
  await once(socket, ways.isTls ? 'secureConnect' : 'connect');
  const coding = ways.isGzip ? 'Content-Encoding: gzip\r\n' : '';
  for (let i = first; i < bodies.length; i += ways.connections) {
    const body = bodies[i]!;
    const head = `POST ${row.path} HTTP/1.1\r\nHost: ${url.host}\r\n${coding}Content-Length: ${body.length}\r\n\r\n`;
    const done = answered(socket);
    socket.cork();
    socket.write(head);
    socket.write(body);
    socket.uncork();
    await done;
  }
  socket.end();
}

async function sendLines(
  bodies: readonly Uint8Array[],
  first: number,
  connections: number,
): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port: GRAPHITE_PORT, noDelay: true });
  await once(socket, 'connect');
  for (let i = first; i < bodies.length; i += connections)
    if (!socket.write(bodies[i]!)) await once(socket, 'drain');
  socket.end();
  await once(socket, 'close');
}

/** Until the server says that it wrote all points: lines are not acknowledged. */
async function counted(server: BenchServer, pointCount: number): Promise<void> {
  const endMs = performance.now() + COUNT_MS_MAX;
  for (;;) {
    const { text } = await ask(`${server.url}/metrics`);
    const found = /^orrery_ingest_samples_total\{[^}]*graphite[^}]*\} (\d+)$/m.exec(text)?.[1];
    if (Number(found) >= pointCount) return;
    if (performance.now() > endMs) throw new Error(`only ${found} points of ${pointCount} came`);
    await sleep(COUNT_EVERY_MS);
  }
}

/** Flags of a server that speaks HTTPS. */
async function tlsFlags(workDir: string): Promise<string[]> {
  const files = [join(workDir, 'cert.pem'), join(workDir, 'key.pem')] as const;
  await writeFile(files[0], CERTIFICATE.certificate);
  await writeFile(files[1], CERTIFICATE.key);
  return ['--tls-cert', files[0], '--tls-key', files[1]];
}

async function measure(name: string, row: Row, ways: Ways): Promise<void> {
  const workDir = await mkdtemp(join(options.dir, 'orrery-texts-'));
  const dataDir = join(workDir, 'data');
  const bodies = Array.from({ length: BODIES }, (_, step) => {
    const body = row.make(step);
    return ways.isGzip ? gzipSync(body) : body;
  });
  const pointCount = BODIES * BODY_SERIES;
  const server = await startServer([
    '--data',
    dataDir,
    ...(row.path === undefined ? ['--graphite', `127.0.0.1:${GRAPHITE_PORT}`] : []),
    ...(ways.isTls ? await tlsFlags(workDir) : []),
  ]);
  try {
    const beforeMs = await cpuMs(server.pid);
    const ownBefore = process.cpuUsage();
    const lanes = Array.from({ length: ways.connections }, (_, first) =>
      row.path === undefined
        ? sendLines(bodies, first, ways.connections)
        : sendRequests(new URL(server.url), row, ways, { bodies, first }),
    );
    await Promise.all(lanes);
    if (row.path === undefined) await counted(server, pointCount);
    const own = process.cpuUsage(ownBefore);
    const loadMs = (await cpuMs(server.pid)) - beforeMs;
    const flushed = await ask(`${server.url}/orrery/v1/admin/flush`, { method: 'POST' });
    if (flushed.status >= 300) throw new Error(flushed.text);
    const allMs = (await cpuMs(server.pid)) - beforeMs;
    const { peakBytes } = await resident(server.pid);
    const generatorMs = (own.user + own.system) / 1000;
    show({ name, pointCount, loadMs, allMs, generatorMs, peakBytes });
  } finally {
    await server.stop();
    await rm(workDir, { recursive: true, force: true });
  }
}

interface Figures {
  readonly name: string;
  readonly pointCount: number;
  readonly loadMs: number;
  readonly allMs: number;
  readonly generatorMs: number;
  readonly peakBytes: number;
}

function show(figures: Figures): void {
  if (options.json) return console.log(JSON.stringify(figures));
  const { name, pointCount, loadMs, allMs, generatorMs, peakBytes } = figures;
  const rate = (ms: number): string => (pointCount / ms / 1000).toFixed(2);
  console.log(
    `${name.padEnd(20)} ${pointCount} samples: ${rate(loadMs)} M a core-second` +
      ` (${rate(allMs)} with the flush), ${loadMs} ms and ${allMs} ms of the server,` +
      ` generator ${generatorMs.toFixed(0)} ms, peak ${(peakBytes / 1e6).toFixed(0)} MB`,
  );
}

function waysOf(texts: readonly string[]): Ways {
  const connections = texts.find((text) => /^\d+$/.test(text)) ?? String(CONNECTIONS);
  const unknown = texts.find((text) => !/^(?:gzip|tls|\d+)$/.test(text));
  if (unknown !== undefined) throw new Error(`no way of sending is called ${unknown}`);
  const isGzip = texts.includes('gzip');
  return { isGzip, isTls: texts.includes('tls'), connections: Number(connections) };
}

trust(CERTIFICATE.certificate);
for (const asked of options.rows.split(',')) {
  const [name = '', ...texts] = asked.split('+');
  const row = ROWS[name];
  if (row === undefined) throw new Error(`no row ${name}: ${Object.keys(ROWS).join(', ')}`);
  const ways = waysOf(texts);
  if (row.path === undefined && (ways.isGzip || ways.isTls))
    throw new Error('lines over TCP are neither compressed nor encrypted');
  await measure(asked, row, ways);
}
