// What the benchmarks of queries beside writes share: a server process of their own, bodies of
// remote write that are made once and patched (times and values lie at fixed places), and what
// Linux says of the process. Not a general client: labels are escaped by nobody.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import https from 'node:https';
import { resolve } from 'node:path';

const MAIN = resolve(import.meta.dirname, '../src/app/server/main.ts');

export interface BenchServer {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

export async function startServer(args: readonly string[]): Promise<BenchServer> {
  const all = [MAIN, 'serve', '--no-collect', '--http', '127.0.0.1:0', '--log-format', 'json'];
  const child = spawn(process.execPath, [...all, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  let text = '';
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    if (text.includes('"ready"')) break;
  }
  child.stdout.resume();
  const url = /"url":"([^"]+)"/.exec(text)?.[1];
  if (url === undefined || child.pid === undefined) throw new Error(`no server: ${text}`);
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await exited;
  };
  return { url, pid: child.pid, stop };
}

/** Resident memory now and at its peak since it was last forgotten, in bytes. */
export async function resident(pid: number): Promise<{ nowBytes: number; peakBytes: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const read = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024;
  return { nowBytes: read('VmRSS'), peakBytes: read('VmHWM') };
}

/** The peak begins anew. */
export async function forgetPeak(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, '5');
}

/** User and system time of all threads, in milliseconds. */
export async function cpuMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

const agent = new Agent({ keepAlive: true, maxSockets: 64 });
let secureAgent = new https.Agent({ keepAlive: true });

/** Servers with this certificate are asked from now on. */
export function trust(certificate: string): void {
  secureAgent = new https.Agent({ keepAlive: true, ca: certificate });
}

/** One request on a kept connection. */
export function ask(
  url: string,
  { method = 'GET', body }: { readonly method?: string; readonly body?: Uint8Array } = {},
): Promise<Answer> {
  return new Promise((fulfil, reject) => {
    const headers = body === undefined ? {} : REMOTE_WRITE_HEADERS;
    const isSecure = url.startsWith('https:');
    const send = isSecure ? https.request : request;
    const way = { method, headers, agent: isSecure ? secureAgent : agent };
    const sent = send(url, way, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        fulfil({ status: answer.statusCode ?? 0, text, headers: answer.headers });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

const REMOTE_WRITE_HEADERS = {
  'Content-Type': 'application/x-protobuf',
  'Content-Encoding': 'snappy',
};

function varint(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) out.push((rest % 128) + 128);
  out.push(rest);
  return out;
}

function field(number: number, content: readonly number[]): number[] {
  return [number * 8 + 2, ...varint(content.length), ...content];
}

function textField(number: number, text: string): number[] {
  return field(number, [...Buffer.from(text)]);
}

const SAMPLE_BYTES = 18;
/** Times in milliseconds from 2004 on take so many bytes. */
const TIME_BYTES = 6;

/** A body of remote write: the same series each time, so many samples of each. */
export class BulkBody {
  readonly #series: readonly number[];
  readonly #samplesEach: number;
  readonly #bytes: Buffer;
  /** First sample of each series. */
  readonly #places: number[] = [];
  readonly #values: Float64Array;
  #random = 1;

  /** `series`: label sets, sorted by name. */
  constructor(series: readonly Readonly<Record<string, string>>[], samplesEach: number) {
    const sample = [0x12, SAMPLE_BYTES - 2, 0x09, ...Array<number>(8).fill(0)];
    sample.push(0x10, ...Array<number>(TIME_BYTES).fill(0));
    const content: number[] = [];
    for (const labels of series) {
      const own = Object.entries(labels).flatMap(([name, value]) =>
        field(1, [...textField(1, name), ...textField(2, value)]),
      );
      const size = own.length + samplesEach * SAMPLE_BYTES;
      content.push(0x0a, ...varint(size));
      for (const byte of own) content.push(byte);
      this.#places.push(content.length);
      for (let i = 0; i < samplesEach; i++) for (const byte of sample) content.push(byte);
    }
    // Snappy: the length, and all of it as one literal.
    const head = [...varint(content.length), 63 * 4];
    this.#bytes = Buffer.alloc(head.length + 4 + content.length);
    this.#bytes.set(head);
    this.#bytes.writeUInt32LE(content.length - 1, head.length);
    this.#bytes.set(content, head.length + 4);
    for (let i = 0; i < series.length; i++) this.#places[i]! += head.length + 4;
    this.#samplesEach = samplesEach;
    this.#series = this.#places;
    this.#values = new Float64Array(series.length);
  }

  get samples(): number {
    return this.#series.length * this.#samplesEach;
  }

  /**
   * The next samples, from `startMs` on; borrowed until the next call. Counters that only grow.
   * With jitter each sample is late by less than that, each series at times of its own.
   */
  at(startMs: number, stepMs: number, jitterMs = 0): Uint8Array {
    const bytes = this.#bytes;
    for (let i = 0; i < this.#samplesEach; i++) {
      const onTime = varint(startMs + i * stepMs);
      for (let s = 0; s < this.#places.length; s++) {
        const place = this.#places[s]! + i * SAMPLE_BYTES;
        this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) | 0;
        this.#values[s]! += (this.#random >>> 16) & 255;
        const lateMs = jitterMs === 0 ? 0 : (this.#random >>> 8) % jitterMs;
        const time = lateMs === 0 ? onTime : varint(startMs + i * stepMs + lateMs);
        bytes.writeDoubleLE(this.#values[s]!, place + 3);
        for (let b = 0; b < TIME_BYTES; b++) bytes[place + 12 + b] = time[b]!;
      }
    }
    return bytes;
  }
}

export interface BulkLoad {
  readonly name: string;
  readonly series: number;
  readonly samplesEach: number;
  readonly stepMs: number;
  /** Time of the last sample. */
  readonly endMs: number;
  readonly jitterMs?: number;
}

const SERIES_PER_BODY = 1000;
const SAMPLES_PER_BODY = 20;
const RETRY_MS = 20;

/** Writes the whole load over a few connections; a write that is refused is sent again. */
export async function bulkLoad(url: string, load: BulkLoad): Promise<{ refusals: number }> {
  const lanes = Math.ceil(load.series / SERIES_PER_BODY);
  let refusals = 0;
  const write = async (body: Uint8Array): Promise<void> => {
    for (;;) {
      const answer = await ask(`${url}/api/v1/write`, { method: 'POST', body });
      if (answer.status < 300) return;
      if (answer.status !== 503) throw new Error(`${answer.status} ${answer.text}`);
      refusals++;
      await new Promise((done) => void setTimeout(done, RETRY_MS));
    }
  };
  const bodies = Array.from({ length: lanes }, (_, lane) => {
    const first = lane * SERIES_PER_BODY;
    const count = Math.min(SERIES_PER_BODY, load.series - first);
    const labels = Array.from({ length: count }, (__, i) => labelsOf(load.name, first + i));
    return new BulkBody(labels, SAMPLES_PER_BODY);
  });
  const startMs = load.endMs - (load.samplesEach - 1) * load.stepMs;
  const runLane = async (body: BulkBody): Promise<void> => {
    for (let done = 0; done < load.samplesEach; done += SAMPLES_PER_BODY)
      await write(body.at(startMs + done * load.stepMs, load.stepMs, load.jitterMs));
  };
  await Promise.all(bodies.map(runLane));
  return { refusals };
}

export function labelsOf(name: string, number: number): Record<string, string> {
  const host = Math.floor(number / 8);
  return { __name__: name, cpu: `${number % 8}`, instance: `host-${host}:9100`, job: 'node' };
}
