// `npm run bench:scan`: what a body costs before it reaches storage: decompression, scan, row
// dictionary, batch builder. CPU time in nanoseconds per value, the median of several runs over the
// first bodies of a load of the peers harness (`gen.js` writes them), or over bodies made here
// where there are none. `--load NAME` measures one load, `--runs N` more or fewer runs,
// `--no-kernels` the TypeScript alone.
import { existsSync, openSync, readFileSync, readSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { useSnappyKernel } from '../src/codec/snappy-kernel.ts';
import { decodeSnappy, encodeSnappy } from '../src/codec/snappy.ts';
import { scanPlaintext } from '../src/formats/graphite/plaintext.ts';
import { useLinesKernel } from '../src/formats/lines-kernel.ts';
import { scanLineProtocol } from '../src/formats/influx/line-protocol.ts';
import { scanPutJson } from '../src/formats/opentsdb/put-json.ts';
import { scanPutLines } from '../src/formats/opentsdb/put-lines.ts';
import { scanMetrics } from '../src/formats/otlp/metrics.ts';
import { nameRules } from '../src/formats/otlp/names.ts';
import { scanPrometheusText } from '../src/formats/prometheus-text/exposition.ts';
import { scanRequestV2 } from '../src/formats/remote-write/request-v2.ts';
import { scanWriteRequest } from '../src/formats/remote-write/write-request.ts';
import { scanGts } from '../src/formats/warp10/gts.ts';
import { ProfileDictionary } from '../src/ingest/row-dictionary.ts';
import { DEFAULT_LABEL_LIMITS } from '../src/ingest/series-admission.ts';
import { BatchBuilder } from '../src/model/batch-builder.ts';
import type { RowDictionary, RowSink, ScanResult } from '../src/model/rows.ts';
import type { StorageWriter } from '../src/model/storage.ts';
import { ProtobufReader } from '../src/codec/protobuf.ts';
import * as otlp from '../test/support/otlp.ts';
import { bytesField, doubleField, varintField } from '../test/support/protobuf-writer.ts';
import { madeGraphite, madePage, madePutJson, putParts, START_MS, tagsOf } from './text-bodies.ts';
import { requestV2 } from '../test/support/remote-write-v2.ts';
import type { SampleV2, SeriesV2 } from '../test/support/remote-write-v2.ts';
import { answerHelp } from './help.ts';

answerHelp(import.meta.filename);

const LOADS = join(process.env['PEERS_WORK'] ?? join(tmpdir(), 'peers-work'), 'loads');
const BODY_BYTES_MAX = 64_000_000;
const BODIES_MAX = 200;
const FRAME_HEAD_BYTES = 16;

type Scan = (body: Uint8Array, dictionary: RowDictionary, sink: RowSink) => ScanResult;

interface Load {
  readonly name: string;
  readonly bodies: readonly Uint8Array[];
  readonly isSnappy: boolean;
  readonly scan: Scan;
}

const lineProtocol: Scan = (body, dictionary, sink) =>
  scanLineProtocol(
    body,
    body.length,
    { precision: 'ns', defaultTimeUs: 0, mapping: ['db', 'bench'] },
    dictionary,
    sink,
  );
const remoteWrite: Scan = (body, dictionary, sink) =>
  scanWriteRequest(body, body.length, dictionary, sink);
const remoteWrite2: Scan = (body, dictionary, sink) =>
  scanRequestV2(body, body.length, dictionary, sink);
const exposition: Scan = (body, dictionary, sink) =>
  scanPrometheusText(
    body,
    body.length,
    { defaultTimeUs: START_MS * 1000, mode: 'import', extraLabels: [] },
    dictionary,
    sink,
  );

const graphite: Scan = (body, dictionary, sink) =>
  scanPlaintext(body, body.length, { defaultTimeUs: START_MS * 1000 }, dictionary, sink);

const putJson: Scan = (body, dictionary, sink) =>
  scanPutJson(body, body.length, { wantsProblems: false }, dictionary, sink);
const putLines: Scan = (body, dictionary, sink) =>
  scanPutLines(body, [0, body.length], dictionary, sink);

const OTLP_OPTIONS = {
  names: nameRules('UnderscoreEscapingWithSuffixes', ''),
  scopeLabels: true,
  promoted: new Set<string>(),
  keepsIdentifying: false,
  customBuckets: false,
};
const otlpMetrics: Scan = (body, dictionary, sink) =>
  scanMetrics(body, body.length, OTLP_OPTIONS, { dictionary, sink });

const gts: Scan = (body, dictionary, sink) =>
  scanGts(body, body.length, { timeUnit: 'us', nowUs: 0, nowSubNs: 0 }, dictionary, sink);

/** The first bodies of a load file: frames of four 32-bit words (the first a length) and a body. */
function readBodies(name: string): Uint8Array[] {
  const file = join(LOADS, `${name}.bin`);
  if (!existsSync(file)) return [];
  const bodies: Uint8Array[] = [];
  const handle = openSync(file, 'r');
  const head = Buffer.alloc(FRAME_HEAD_BYTES);
  let at = 0;
  while (at < BODY_BYTES_MAX && bodies.length < BODIES_MAX) {
    if (readSync(handle, head, 0, FRAME_HEAD_BYTES, at) < FRAME_HEAD_BYTES) break;
    const body = Buffer.alloc(head.readUInt32LE(0));
    readSync(handle, body, 0, body.length, at + FRAME_HEAD_BYTES);
    bodies.push(body);
    at += FRAME_HEAD_BYTES + body.length;
  }
  return bodies;
}

/** Calls `field` for each field of length-delimited content, with its range. */
function eachField(
  body: Uint8Array,
  [from, to]: readonly [number, number],
  field: (number: number, range: readonly [number, number], reader: ProtobufReader) => void,
): void {
  const reader = new ProtobufReader(body, from, to);
  while (reader.at < to) {
    const tag = reader.tag();
    const start = reader.at;
    reader.skip(tag & 7);
    const end = reader.at;
    if ((tag & 7) === 2) {
      reader.at = start;
      reader.lengthEnd();
    } else reader.at = start;
    field(tag >>> 3, [reader.at, end], reader);
    reader.at = end;
  }
}

/** The same series as a message of version 2.0. */
function asVersion2(body: Uint8Array): Uint8Array {
  const list: SeriesV2[] = [];
  const text = ([from, to]: readonly [number, number]): string =>
    Buffer.from(body.subarray(from, to)).toString();
  eachField(body, [0, body.length], (_, series) => {
    const labels: string[] = [];
    const samples: SampleV2[] = [];
    eachField(body, series, (number, range) => {
      if (number === 1) eachField(body, range, (__, part) => labels.push(text(part)));
      if (number !== 2) return;
      let value = 0;
      let tMs = 0;
      eachField(body, range, (part, ___, reader) => {
        if (part === 1) value = reader.double();
        else tMs = reader.int64();
      });
      samples.push({ value, tMs });
    });
    list.push({ labels, samples });
  });
  return requestV2(list);
}

function madeLines(step: number, value: (field: number) => string): Uint8Array {
  let text = '';
  for (let series = 0; series < 500; series++) {
    const fields = Array.from({ length: 10 }, (_, i) => `usage_${i}=${value(series * 10 + i)}`);
    text += `cpu,${tagsOf(series, '=', '', ',')} ${fields.join(',')} ${START_MS + step * 10_000}000000\n`;
  }
  return Buffer.from(text);
}

/** Lines of Warp 10, each with its series, or a class for every ten values. */
function madeGts(step: number, isContinued: boolean): Uint8Array {
  let text = '';
  for (let series = 0; series < 5000; series++) {
    const timeUs = (START_MS + step * 10_000 + (isContinued ? series % 10 : 0)) * 1000;
    const value = (((series * 7919 + step * 31) % 1_000_000) / 100).toFixed(2);
    const name = `node.cpu.seconds{${tagsOf(series, '=', '', ',')}} `;
    text +=
      isContinued && series % 10 > 0 ? `=${timeUs}// ${value}\n` : `${timeUs}// ${name}${value}\n`;
  }
  return Buffer.from(text);
}

function madeRequest(step: number): Uint8Array {
  const bytes: number[] = [];
  for (let series = 0; series < 2000; series++) {
    const labels = `__name__=node_cpu_seconds_total;${tagsOf(series, '=', '', ';')}`.split(';');
    const fields = labels.flatMap((label) => {
      const [name = '', value = ''] = label.split('=');
      return bytesField(1, [...bytesField(1, name), ...bytesField(2, value)]);
    });
    const bits = new BigUint64Array(Float64Array.of(series * 1.25 + step).buffer)[0]!;
    const sample = [...doubleField(1, bits), ...varintField(2, START_MS + step * 15_000)];
    for (const byte of bytesField(1, [...fields, ...bytesField(2, sample)])) bytes.push(byte);
  }
  return encodeSnappy(Uint8Array.from(bytes));
}

function madePutLines(step: number): Uint8Array {
  let text = '';
  for (let series = 0; series < 10_000; series++) {
    const { metric, tags, value } = putParts(series, step);
    const words = Object.entries(tags).map((tag) => tag.join('='));
    text += `put ${metric} ${START_MS / 1000 + step * 10} ${value} ${words.join(' ')}\n`;
  }
  return Buffer.from(text);
}

const OTLP_SOURCE = {
  resource: {
    'service.name': 'shop',
    'service.namespace': 'eu',
    'service.instance.id': '627cc493-f310-47de-96bd-71410b7dec09',
    'host.name': 'host-17',
    'os.type': 'linux',
  },
  scope: 'io.opentelemetry.http',
  version: '2.1.0',
};

function timesOf(step: number) {
  return {
    timeNs: BigInt(START_MS + step * 10_000) * 1_000_000n,
    startNs: BigInt(START_MS) * 1_000_000n,
  };
}

/** 2000 sums in metrics of `width` data points each. */
function madeOtlpSums(step: number, width: number): Uint8Array {
  const metrics = Array.from({ length: 2000 / width }, (_, metric) => {
    const points = Array.from({ length: width }, (__, i) => ({
      ...timesOf(step),
      value: metric * 1.25 + i + step,
      attributes: {
        'http.request.method': 'GET',
        'http.route': `/api/v1/users/${i}`,
        'http.response.status_code': 200 + (i % 7),
        'server.address': `host-${metric % 19}.example.com`,
      },
    }));
    return otlp.sum(
      { name: `http.server.metric.${metric}`, unit: 'By', description: 'A sum of bytes.' },
      points,
    );
  });
  return otlp.request(metrics, OTLP_SOURCE);
}

const BOUNDS = [5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10_000];

function madeOtlpHistograms(step: number): Uint8Array {
  const points = Array.from({ length: 200 }, (_, i) => {
    const counts = Array.from(
      { length: BOUNDS.length + 1 },
      (__, bucket) => (bucket * i + step) % 13,
    );
    const count = counts.reduce((sum, one) => sum + one, 0);
    const attributes = { 'http.route': `/api/v1/users/${i}`, 'http.request.method': 'GET' };
    return { ...timesOf(step), count, sum: count * 3.5, counts, bounds: BOUNDS, attributes };
  });
  return otlp.request(
    [otlp.histogram({ name: 'http.server.duration', unit: 'ms' }, points)],
    OTLP_SOURCE,
  );
}

function steps(count: number, make: (step: number) => Uint8Array): Uint8Array[] {
  return Array.from({ length: count }, (_, step) => make(step));
}

function madeFloat(field: number, step: number): string {
  return String(Math.sin(field * 1.7 + step) * 100);
}

function readOr(name: string, count: number, make: (step: number) => Uint8Array): Uint8Array[] {
  const read = readBodies(name);
  return read.length > 0 ? read : steps(count, make);
}

/** The lines of a body in another order each time, as from many small senders. */
function shuffled(body: Uint8Array, step: number): Uint8Array {
  const lines = Buffer.from(body).toString('latin1').trimEnd().split('\n');
  let state = step + 1;
  for (let i = lines.length - 1; i > 0; i--) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const j = state % (i + 1);
    [lines[i], lines[j]] = [lines[j]!, lines[i]!];
  }
  return Buffer.from(`${lines.join('\n')}\n`, 'latin1');
}

const MAKERS: Readonly<Record<string, () => Load>> = {
  'lp-cpu': () => {
    const bodies = readOr('lp-cpu', 16, (step) =>
      madeLines(step, (field) => `${(field * 31 + step * 7) % 100}i`),
    );
    return { name: 'lp-cpu', bodies, isSnappy: false, scan: lineProtocol };
  },
  'lp-shuffled': () => {
    const bodies = MAKERS['lp-cpu']!().bodies.map(shuffled);
    return { name: 'lp-shuffled', bodies, isSnappy: false, scan: lineProtocol };
  },
  'lp-float': () => {
    const bodies = readOr('lp-float', 16, (step) =>
      madeLines(step, (field) => `${(field * 31 + step * 7) % 10_000}.25`),
    );
    return { name: 'lp-float', bodies, isSnappy: false, scan: lineProtocol };
  },
  'lp-17-digits': () => {
    const bodies = steps(16, (step) => madeLines(step, (field) => madeFloat(field, step)));
    return { name: 'lp-17-digits', bodies, isSnappy: false, scan: lineProtocol };
  },
  'rw-node': () => {
    const bodies = readOr('rw-node', 16, madeRequest);
    return { name: 'rw-node', bodies, isSnappy: true, scan: remoteWrite };
  },
  'rw-plain': () => {
    const bodies = readOr('rw-node', 16, madeRequest).map((body) =>
      decodeSnappy(body, BODY_BYTES_MAX),
    );
    return { name: 'rw-plain', bodies, isSnappy: false, scan: remoteWrite };
  },
  'rw2-plain': () => {
    const bodies = MAKERS['rw-plain']!().bodies.slice(0, 40).map(asVersion2);
    return { name: 'rw2-plain', bodies, isSnappy: false, scan: remoteWrite2 };
  },
  graphite: () => ({
    name: 'graphite',
    bodies: steps(8, madeGraphite),
    isSnappy: false,
    scan: graphite,
  }),
  'graphite-shuffled': () => {
    const bodies = steps(8, madeGraphite).map(shuffled);
    return { name: 'graphite-shuffled', bodies, isSnappy: false, scan: graphite };
  },
  'opentsdb-json': () => ({
    name: 'opentsdb-json',
    bodies: steps(8, madePutJson),
    isSnappy: false,
    scan: putJson,
  }),
  'opentsdb-telnet': () => ({
    name: 'opentsdb-telnet',
    bodies: steps(8, madePutLines),
    isSnappy: false,
    scan: putLines,
  }),
  'gts-lines': () => {
    const bodies = steps(8, (step) => madeGts(step, false));
    return { name: 'gts-lines', bodies, isSnappy: false, scan: gts };
  },
  'gts-continued': () => {
    const bodies = steps(8, (step) => madeGts(step, true));
    return { name: 'gts-continued', bodies, isSnappy: false, scan: gts };
  },
  'otlp-sums': () => {
    const bodies = steps(8, (step) => madeOtlpSums(step, 20));
    return { name: 'otlp-sums', bodies, isSnappy: false, scan: otlpMetrics };
  },
  'otlp-single': () => {
    const bodies = steps(8, (step) => madeOtlpSums(step, 1));
    return { name: 'otlp-single', bodies, isSnappy: false, scan: otlpMetrics };
  },
  'otlp-classic': () => {
    const bodies = steps(8, madeOtlpHistograms);
    return { name: 'otlp-classic', bodies, isSnappy: false, scan: otlpMetrics };
  },
  page: () => ({ name: 'page', bodies: steps(8, madePage), isSnappy: false, scan: exposition }),
};

/** Resolves every label set to the next number and keeps nothing. */
function countingStorage(): StorageWriter {
  let count = 0;
  const next = (): number => count++;
  return {
    resolve: next,
    resolveBytes: next,
    splitOf: () => undefined,
  } as unknown as StorageWriter;
}

class Run {
  readonly #load: Load;
  readonly #dictionary: ProfileDictionary;
  readonly #builder = new BatchBuilder();

  constructor(load: Load) {
    this.#load = load;
    const limits = DEFAULT_LABEL_LIMITS;
    const context = { storage: countingStorage(), tenant: 'bench', forcedLabels: [], limits };
    this.#dictionary = new ProfileDictionary(context, 42);
  }

  /** Every body once; the number of points. */
  once(): number {
    const { bodies, isSnappy, scan } = this.#load;
    let pointCount = 0;
    for (const body of bodies) {
      this.#dictionary.begin();
      const plain = isSnappy ? decodeSnappy(body, BODY_BYTES_MAX) : body;
      const result = scan(plain, this.#dictionary, this.#builder);
      if (result.errorCount > 0) throw new Error(result.errors[0]?.reason);
      const points = this.#builder.finish().points[0];
      if (points === undefined) throw new Error('a body without points');
      pointCount += result.pointCount;
      this.#dictionary.release();
      this.#builder.reset();
    }
    return pointCount;
  }
}

function measure(load: Load, runs: number): void {
  const run = new Run(load);
  // Twice: first sight of every row, then a first learning of what follows what.
  run.once();
  run.once();
  const figures: number[] = [];
  let values = 0;
  for (let i = 0; i < runs; i++) {
    const before = process.cpuUsage();
    values = run.once();
    const used = process.cpuUsage(before);
    figures.push(((used.user + used.system) * 1000) / values);
  }
  figures.sort((a, b) => a - b);
  const median = figures[figures.length >> 1]!;
  const sizeBytes = load.bodies.reduce((sum, body) => sum + body.length, 0);
  console.log(
    `${load.name.padEnd(14)} ${median.toFixed(1).padStart(7)} ns/value` +
      `  (least ${figures[0]!.toFixed(1)}, ${values} values, ${(sizeBytes / values).toFixed(1)} B each)`,
  );
}

const { values: options } = parseArgs({
  options: {
    load: { type: 'string' },
    runs: { type: 'string' },
    'no-kernels': { type: 'boolean' },
  },
});
const WASM = join(import.meta.dirname, '../dist/wasm');
const moduleOf = (name: string): WebAssembly.Module =>
  new WebAssembly.Module(readFileSync(join(WASM, `${name}.wasm`)));
if (options['no-kernels'] !== true) {
  useSnappyKernel(() => moduleOf('snappy'));
  useLinesKernel(() => moduleOf('lines'));
}
for (const [name, make] of Object.entries(MAKERS))
  if (options.load === undefined || options.load === name)
    measure(make(), Number(options.runs ?? 9));
