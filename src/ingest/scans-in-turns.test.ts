// Bodies of many new series in every format that predicted-scans.fuzz.test.ts does not have: cut
// short again and again a scan gives what it gives in one piece, also of rows that are refused.
// And the ingest service whose turns are short.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as otlp from '../../test/support/otlp.ts';
import {
  bytesField,
  doubleField,
  varintBytes,
  varintField,
} from '../../test/support/protobuf-writer.ts';
import { contentOf, scanInTurns } from '../../test/support/scan-in-turns.ts';
import { scanValueLists } from '../formats/collectd/value-lists.ts';
import { parseColumns } from '../formats/csv/columns.ts';
import { scanCsv } from '../formats/csv/scan.ts';
import { scanJsonLines } from '../formats/json-lines/decode.ts';
import { scanOpenMetrics } from '../formats/openmetrics/openmetrics.ts';
import type { DeltaPoint, DeltaValue } from '../formats/otlp/deltas.ts';
import { scanMetrics } from '../formats/otlp/metrics.ts';
import { nameRules } from '../formats/otlp/names.ts';
import { scanMetricFamilies } from '../formats/prometheus-protobuf/families.ts';
import { scanPrometheusText } from '../formats/prometheus-text/exposition.ts';
import { scanMeta } from '../formats/warp10/gts.ts';
import { BatchBuilder } from '../model/batch-builder.ts';
import type { NameSplit, WriteBatch } from '../model/columns.ts';
import { KIND } from '../model/columns.ts';
import { AppError } from '../model/errors.ts';
import type { Labels } from '../model/labels.ts';
import { labelsKey } from '../model/labels.ts';
import type { LabelBytes } from '../model/label-bytes.ts';
import type { RowDictionary, RowSink, ScanResult } from '../model/rows.ts';
import { REF_REFUSED } from '../model/storage.ts';
import type { StorageWriter } from '../model/storage.ts';
import { openPrincipal } from '../model/tenant.ts';
import { decodedLabels } from '../../test/support/label-bytes.ts';
import { lineRequest } from '../../test/support/line-request.ts';
import { seededPrng } from '../stdx/prng.ts';
import type { RefusedSeries } from '../tenancy/breaches.ts';
import type { WriteReport } from './ingest.ts';
import { Ingest } from './ingest.ts';
import {
  APPEND_TRIES_MAX,
  MANY_TURNS_BYTES_MIN,
  NEW_ROWS_PER_LOOK,
  REREAD_TURN_FACTOR,
  TRIES_IN_TURNS_MAX,
} from './limits.ts';
import { ProfileDictionary } from './row-dictionary.ts';
import { DEFAULT_LABEL_LIMITS } from './series-admission.ts';
import { WriteTurns } from './write-turns.ts';

const COUNT = 60;
const T_MS = 1_700_000_000_000;
const EXPOSITION = { defaultTimeUs: T_MS * 1000, mode: 'import', extraLabels: [] } as const;
const OTLP = {
  names: nameRules('UnderscoreEscapingWithSuffixes', ''),
  scopeLabels: true,
  promoted: new Set<string>(),
  keepsIdentifying: false,
  customBuckets: false,
};

const each = (row: (i: number) => string, between = '\n'): string =>
  Array.from({ length: COUNT }, (_, i) => row(i)).join(between);
const eachBytes = (row: (i: number) => number[]): number[] =>
  Array.from({ length: COUNT }, (_, i) => row(i)).flat();
/** One of five is a series that the storage refuses. */
const value = (i: number): string => (i % 5 === 3 ? `refused${i}` : `v${i}`);

type Scan = (body: Uint8Array, dictionary: RowDictionary, sink: RowSink) => ScanResult;

/** Running sums that start anew with each scan, as those of a ledger do. */
function scanDeltas(body: Uint8Array, dictionary: RowDictionary, sink: RowSink): ScanResult {
  const sums = new Map<number, number>();
  const add = <Value extends DeltaValue>({ ref, startUs, value: more }: DeltaPoint<Value>) => {
    if (typeof more !== 'number') return 'only numbers are added up here';
    const sum = (sums.get(ref) ?? 0) + more;
    sums.set(ref, sum);
    return { value: sum as Value, startUs };
  };
  const deltas = { add, end: (ref: number) => void sums.delete(ref) };
  return scanMetrics(body, body.length, OTLP, { dictionary, sink }, deltas);
}

const otlpMessage = (metrics: readonly number[][]): Uint8Array =>
  otlp.request(metrics, { resource: { 'service.name': 's' } });

const FORMATS: Record<string, readonly [body: string | Uint8Array, scan: Scan]> = {
  csv: [
    each((i) => `${T_MS},${value(i)},${i},${i / 2}`),
    (body, dictionary, sink) => {
      const columns = parseColumns('1:time:unix_ms,2:label:l,3:metric:a,4:metric:b');
      assert.ok(typeof columns !== 'string');
      const options = { columns, defaultTimeUs: 0, header: 'auto' } as const;
      return scanCsv(body, body.length, options, dictionary, sink);
    },
  ],
  'json lines': [
    each(
      (i) =>
        `{"metric":{"__name__":"j","l":"${value(i)}"},"values":[${i},1],` +
        `"timestamps":[${T_MS},${T_MS + i}]}`,
    ),
    (body, dictionary, sink) => scanJsonLines(body, body.length, dictionary, sink),
  ],
  collectd: [
    `[${each((i) => {
      const list = { values: [i, 1.5], dsnames: ['a', 'b'], dstypes: ['gauge', 'gauge'] };
      return JSON.stringify({ ...list, time: 5, host: value(i), plugin: 'p', type: 't' });
    }, ',')}]`,
    (body, dictionary, sink) => scanValueLists(body, body.length, dictionary, sink),
  ],
  openmetrics: [
    `# TYPE h histogram\n# UNIT h seconds\n# HELP h words\n${each(
      (i) =>
        `h_bucket{l="${value(i)}",le="1.0"} ${i} # {trace_id="${i}"} 0.5\n` +
        `h_bucket{l="${value(i)}",le="+Inf"} ${i + 1}\nh_count{l="${value(i)}"} ${i + 1}\n` +
        `h_sum{l="${value(i)}"} ${i}`,
    )}\n# EOF\n`,
    (body, dictionary, sink) => scanOpenMetrics(body, body.length, EXPOSITION, dictionary, sink),
  ],
  'text with families': [
    each(
      (i) =>
        `# HELP m${i} words of ${i}\n# TYPE m${i} counter\n` +
        `m${i}{l="${value(i)}"} ${i} ${T_MS}\nm${i}{l="x",k="${value(i)}"} 1`,
    ) + '\n',
    (body, dictionary, sink) => scanPrometheusText(body, body.length, EXPOSITION, dictionary, sink),
  ],
  'protobuf exposition': [
    Uint8Array.from(
      eachBytes((i) => {
        const label = bytesField(1, [...bytesField(1, 'l'), ...bytesField(2, value(i))]);
        const metric = bytesField(4, [...label, ...bytesField(2, doubleField(1, i))]);
        const family = [...bytesField(1, `g${i}`), ...varintField(3, 1), ...metric, ...metric];
        return [...varintBytes(family.length), ...family];
      }),
    ),
    (body, dictionary, sink) => scanMetricFamilies(body, body.length, EXPOSITION, dictionary, sink),
  ],
  otlp: [
    otlpMessage([
      otlp.gauge(
        { name: 'g' },
        Array.from({ length: COUNT }, (_, i) => ({
          timeNs: BigInt(T_MS) * 1_000_000n,
          value: i + 0.5,
          attributes: { l: value(i) },
          exemplars: [otlp.exemplar({ timeNs: BigInt(T_MS) * 1_000_000n, value: i })],
        })),
      ),
      otlp.histogram(
        { name: 'h' },
        Array.from({ length: COUNT }, (_, i) => ({
          timeNs: BigInt(T_MS) * 1_000_000n,
          count: 3,
          sum: i,
          counts: [1, 2],
          bounds: [i],
          attributes: { l: value(i) },
        })),
      ),
    ]),
    (body, dictionary, sink) => scanMetrics(body, body.length, OTLP, { dictionary, sink }),
  ],
  'otlp differences': [
    otlpMessage([
      otlp.sum(
        { name: 'd' },
        Array.from({ length: 2 * COUNT }, (_, i) => ({
          timeNs: BigInt(T_MS + i) * 1_000_000n,
          startNs: BigInt(T_MS + i - 1) * 1_000_000n,
          value: i + 0.5,
          attributes: { l: value(i % COUNT) },
        })),
        { temporality: otlp.DELTA },
      ),
    ]),
    scanDeltas,
  ],
  'warp10 meta': [
    each((i) => `m{l=${value(i)}}{a=${i}}`),
    (body, dictionary, sink) => scanMeta(body, body.length, dictionary, sink),
  ],
};

/** Series get the next number; those that say so are refused. */
function numberingStorage(): StorageWriter {
  const refs = new Map<string, number>();
  const resolve = (_tenant: string, labels: Labels): number => {
    const key = labelsKey(labels);
    if (key.includes('refused')) return REF_REFUSED;
    const ref = refs.get(key) ?? refs.size;
    refs.set(key, ref);
    return ref;
  };
  const resolveBytes = (tenant: string, labels: LabelBytes): number =>
    resolve(tenant, decodedLabels(labels));
  return { resolve, resolveBytes, splitOf: () => undefined } as unknown as StorageWriter;
}

for (const [format, [given, scanOf]] of Object.entries(FORMATS))
  test(`${format}: a scan that is cut short gives what it gives in one piece`, () => {
    const storage = numberingStorage();
    const body = typeof given === 'string' ? new TextEncoder().encode(given) : given;
    const context = { storage, tenant: 't', forcedLabels: [], limits: DEFAULT_LABEL_LIMITS };
    const dictionary = (seed: number) => new ProfileDictionary(context, seed);
    const scan = (to: RowDictionary, sink: RowSink): ScanResult => scanOf(body, to, sink);
    const whole = (to: ProfileDictionary) => {
      const builder = new BatchBuilder();
      to.begin();
      return contentOf(scan(to, builder), builder);
    };
    const expected = whole(dictionary(1));
    assert.ok(expected.result.rowCount >= COUNT);
    assert.ok(expected.result.errorCount >= COUNT / 5 - 1, 'rows are refused');
    const between = (): void => {
      const builder = new BatchBuilder();
      const none = dictionary(2);
      none.begin();
      const { points } = contentOf(scanOf(new Uint8Array(0), none, builder), builder);
      assert.deepEqual(points, [], 'what a scan leaves is nothing of the next one');
    };
    const cut = dictionary(3);
    const { content, scanCount } = scanInTurns(cut, scan, { rowsMax: () => 4, between });
    assert.deepEqual(content, expected);
    assert.ok(scanCount > COUNT / 5, `${scanCount} scans`);
    // Some tell metadata with the first series of it only.
    const next = whole(cut);
    assert.deepEqual({ ...next, metadata: [] }, { ...expected, metadata: [] });
  });

/** Keeps what was appended as text. */
class TextStorage implements StorageWriter {
  readonly points: string[] = [];
  readonly splits = new Map<string, NameSplit>();
  seriesMax = Infinity;
  /** So many series are made, then the memory is full. */
  roomMax = Infinity;
  /** So many appends are refused, and no ref is known afterwards. */
  staleAppends = 0;
  readonly #labels: Labels[] = [];
  #staleBelow = 0;
  readonly #byKey = new Map<string, number>();

  resolve(_tenant: string, labels: Labels): number {
    const key = labelsKey(labels);
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    if (this.#labels.length >= this.roomMax)
      throw new AppError('unavailable', 'memory-full', 'the memory is full');
    if (this.#labels.length >= this.seriesMax) return REF_REFUSED;
    const ref = this.#labels.push(labels) - 1;
    this.#byKey.set(key, ref);
    return ref;
  }

  resolveBytes(tenant: string, labels: LabelBytes): number {
    return this.resolve(tenant, decodedLabels(labels));
  }

  knows(_tenant: string, ref: number): boolean {
    return ref >= this.#staleBelow;
  }

  splitOf(_tenant: string, name: string): NameSplit | undefined {
    return this.splits.get(name);
  }

  async append({ points, splits }: WriteBatch) {
    if (this.staleAppends-- > 0) {
      this.#byKey.clear();
      this.#staleBelow = this.#labels.length;
      throw new AppError('conflict', 'stale-ref', 'refs are stale');
    }
    for (const { kind, refs, count, values } of points) {
      assert.ok(kind === KIND.f64);
      for (let i = 0; i < count; i++)
        this.points.push(`${this.#labels[refs[i]!]!.join(' ')} = ${values[i]}`);
    }
    for (const split of splits) this.splits.set(split.name, split);
    return Promise.resolve({ applied: true });
  }

  async delete() {
    return Promise.resolve({ seriesCount: 0, pointCount: 0 });
  }
}

/** `msPerLook`: what a look at the clock takes; the more, the shorter the turns. */
function service(msPerLook: number) {
  const storage = new TextStorage();
  const refused: RefusedSeries[] = [];
  const reports: WriteReport[] = [];
  let nowMs = 0;
  let turnCount = 0;
  const nextTurn = (task: () => void): void => {
    turnCount++;
    setImmediate(task);
  };
  const turns = new WriteTurns(nextTurn, { monotonicMs: () => (nowMs += msPerLook) });
  const ingest = new Ingest({
    storage,
    prng: seededPrng(1),
    turns,
    onWrite: (report) => void reports.push(report),
    onSeriesRefused: (one) => {
      refused.push(one);
      return undefined;
    },
  });
  const counts = () => turnCount;
  return { storage, ingest, refused, reports, counts };
}

const ROWS = 3000;
const manyLines = Array.from({ length: ROWS }, (_, i) => `a_b,host=server${i} c=${i} 1`).join('\n');
const principal = openPrincipal('t');

test('a large body of new series takes many turns, a small one and a known one none', async () => {
  assert.ok(manyLines.length > MANY_TURNS_BYTES_MIN);
  const quick = service(0);
  const slow = service(1000);
  const [whole, cut] = [
    await quick.ingest.write(principal, lineRequest(manyLines)),
    await slow.ingest.write(principal, lineRequest(manyLines)),
  ];
  assert.deepEqual(cut, whole);
  assert.equal(cut.pointCount, ROWS);
  assert.deepEqual(slow.storage.points, quick.storage.points);
  assert.deepEqual([...slow.storage.splits], [...quick.storage.splits]);
  assert.equal(quick.counts(), 1);
  const turnCount = slow.counts();
  // A second to come to the first new row, so as many as one look more than the factor.
  const rowsPerTurn = (REREAD_TURN_FACTOR + 1) * NEW_ROWS_PER_LOOK;
  assert.equal(turnCount, Math.ceil(ROWS / rowsPerTurn));
  await slow.ingest.write(principal, lineRequest(manyLines));
  await slow.ingest.write(
    principal,
    lineRequest(manyLines.slice(0, 10_000).replaceAll('host', 'h')),
  );
  assert.ok(slow.counts() <= turnCount + 2, 'one turn for each');
  assert.equal(slow.storage.points.length, 2 * ROWS + slow.reports[2]!.pointCount);
});

test('splits of names that all their rows were met with in an earlier turn are stored', async () => {
  const text = manyLines.replaceAll(/^a_b,host=server(\d+)/gm, 'a_b$1,host=server$1');
  const { storage, ingest, counts } = service(1000);
  await ingest.write(principal, lineRequest(text));
  assert.ok(counts() > 10);
  assert.equal(storage.splits.size, ROWS);
  assert.deepEqual(storage.splits.get('a_b0_c'), {
    name: 'a_b0_c',
    measurement: 'a_b0',
    field: 'c',
  });
});

test('a write that is forgotten between two turns asks a limit once more, not in each', async () => {
  const { storage, ingest, refused } = service(1000);
  storage.seriesMax = 100;
  const large = ingest.write(principal, lineRequest(manyLines));
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  const before = refused.length;
  ingest.forget('t');
  const { scan } = await large;
  assert.deepEqual([scan.pointCount, scan.errorCount], [100, ROWS - 100]);
  assert.ok(before > 0 && before < ROWS / 2);
  assert.equal(refused.length, before + ROWS - 100);
});

test('a series that a limit refuses is refused once a write, in whatever turn', async () => {
  const { storage, ingest, refused, reports } = service(1000);
  storage.seriesMax = 1000;
  const { scan } = await ingest.write(principal, lineRequest(manyLines));
  assert.equal(scan.pointCount, 1000);
  assert.equal(scan.errorCount, 2000);
  assert.match(scan.errors[0]!.reason, /new series of metric 'a_b_c' refused/);
  assert.deepEqual([...reports[0]!.refused], [['series-limit', 2000]]);
  assert.equal(refused.length, 2000);
  assert.equal(new Set(refused.map(({ labels }) => labelsKey(labels))).size, 2000);
  storage.seriesMax = 2000;
  assert.equal((await ingest.write(principal, lineRequest(manyLines))).scan.pointCount, 2000);
  assert.equal(refused.length, 3000);
  storage.seriesMax = Infinity;
  assert.equal((await ingest.write(principal, lineRequest(manyLines))).scan.errorCount, 0);
});

test('bodies that meet: each is refused for itself, and all come to their end', async () => {
  const { storage, ingest, refused } = service(1000);
  storage.seriesMax = 1000;
  const writes = await Promise.all(
    Array.from({ length: 4 }, () => ingest.write(principal, lineRequest(manyLines))),
  );
  for (const { scan } of writes) assert.deepEqual([scan.pointCount, scan.errorCount], [1000, 2000]);
  assert.ok(refused.length >= 2000 && refused.length <= 4 * 2000);
  storage.seriesMax = Infinity;
  assert.equal((await ingest.write(principal, lineRequest(manyLines))).scan.errorCount, 0);
});

test('who writes between two turns knows the splits that were met in the first', async () => {
  const { storage, ingest } = service(1000);
  const large = ingest.write(principal, lineRequest(manyLines));
  const small = ingest.write(principal, lineRequest('a b_c=7 1'));
  await small;
  assert.deepEqual(storage.points, ['__name__ a_b_c __origin__ a/b_c = 7']);
  assert.deepEqual(
    [...storage.splits.values()],
    [{ name: 'a_b_c', measurement: 'a_b', field: 'c' }],
  );
  await large;
  assert.equal(storage.points.length, ROWS + 1);
});

test('a write that fails in a later turn leaves nothing behind', async () => {
  const { storage, ingest } = service(1000);
  storage.roomMax = 1000;
  await assert.rejects(ingest.write(principal, lineRequest(manyLines)), { code: 'memory-full' });
  assert.deepEqual(storage.points, []);
  assert.equal(ingest.inFlightBytes, 0);
  const { scan } = await ingest.write(principal, lineRequest('a_b,host=server5 c=5 1'));
  assert.deepEqual([scan.pointCount, scan.errorCount], [1, 0]);
  assert.equal(storage.splits.get('a_b_c')?.measurement, 'a_b');
  storage.roomMax = Infinity;
  assert.equal((await ingest.write(principal, lineRequest(manyLines))).pointCount, ROWS);
});

test('what is forgotten between two turns is asked for again', async () => {
  const { storage, ingest } = service(1000);
  const large = ingest.write(principal, lineRequest(manyLines));
  await new Promise((resolve) => setImmediate(resolve));
  ingest.forget('t');
  await new Promise((resolve) => setImmediate(resolve));
  ingest.forgetRules('t');
  await new Promise((resolve) => setImmediate(resolve));
  ingest.forgetRefs();
  assert.equal((await large).pointCount, ROWS);
  assert.equal(new Set(storage.points).size, ROWS);
});

test('series that go between turns: a further try has none, and comes to its end', async () => {
  const { storage, ingest, counts } = service(1000);
  storage.staleAppends = APPEND_TRIES_MAX - 1;
  assert.equal((await ingest.write(principal, lineRequest(manyLines))).pointCount, ROWS);
  assert.equal(storage.points.length, ROWS);
  const scansOfTry = Math.ceil(ROWS / ((REREAD_TURN_FACTOR + 1) * NEW_ROWS_PER_LOOK));
  assert.equal(counts(), 1 + TRIES_IN_TURNS_MAX * (scansOfTry - 1));
});
