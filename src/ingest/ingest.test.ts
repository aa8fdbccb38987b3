// The ingest service on a storage that can refuse, fail and let refs go stale.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scanPrometheusText } from '../formats/prometheus-text/exposition.ts';
import type { NameSplit, WriteBatch } from '../model/columns.ts';
import { KIND } from '../model/columns.ts';
import { AppError } from '../model/errors.ts';
import type { Labels } from '../model/labels.ts';
import { labelsKey } from '../model/labels.ts';
import type { ScanResult } from '../model/rows.ts';
import type { AppendOptions, StorageWriter } from '../model/storage.ts';
import { REF_REFUSED } from '../model/storage.ts';
import type { Principal } from '../model/tenant.ts';
import { openPrincipal } from '../model/tenant.ts';
import type { LabelBytes } from '../model/label-bytes.ts';
import { decodedLabels } from '../../test/support/label-bytes.ts';
import { lineRequest } from '../../test/support/line-request.ts';
import { seededPrng } from '../stdx/prng.ts';
import { LimitBook } from '../tenancy/limit-book.ts';
import { Quotas } from '../tenancy/quotas.ts';
import type { IngestLimits, WriteReport, WriteRequest } from './ingest.ts';
import type { RelabelSource } from './write-profiles.ts';
import { DEFAULT_INGEST_LIMITS, Ingest } from './ingest.ts';
import { APPEND_TRIES_MAX } from './limits.ts';

/** Keeps what was appended as text; refs can be made stale, series refused, appends failed. */
class FakeStorage implements StorageWriter {
  readonly labels: Labels[] = [];
  readonly lines: string[] = [];
  readonly metadata: string[] = [];
  readonly splits = new Map<string, NameSplit>();
  readonly options: AppendOptions[] = [];
  seriesMax = Number.POSITIVE_INFINITY;
  staleAppends = 0;
  failure: AppError | undefined = undefined;
  resolveCount = 0;
  gate: Promise<void> = Promise.resolve();
  #staleOnce = false;
  #byKey = new Map<string, number>();

  resolve(tenant: string, labels: Labels): number {
    this.resolveCount++;
    const key = `${tenant} ${labelsKey(labels)}`;
    let ref = this.#byKey.get(key);
    if (ref === undefined) {
      if (this.#byKey.size >= this.seriesMax) return REF_REFUSED;
      ref = this.labels.push(labels) - 1;
      this.#byKey.set(key, ref);
    }
    return ref;
  }

  resolveBytes(tenant: string, labels: LabelBytes): number {
    return this.resolve(tenant, decodedLabels(labels));
  }

  /** The ref is stale from now on, and the next append says so. */
  retire(ref: number): void {
    for (const [key, known] of this.#byKey) if (known === ref) this.#byKey.delete(key);
    this.#staleOnce = true;
  }

  knows(_tenant: string, ref: number): boolean {
    return [...this.#byKey.values()].includes(ref);
  }

  splitOf(_tenant: string, name: string): NameSplit | undefined {
    return this.splits.get(name);
  }

  async append(batch: WriteBatch, options: AppendOptions) {
    this.options.push(options);
    const isStale = this.staleAppends > 0 || this.#staleOnce;
    if (this.staleAppends > 0) {
      this.staleAppends--;
      this.#byKey.clear();
    }
    this.#staleOnce = false;
    if (isStale) {
      throw new AppError('conflict', 'stale-ref', 'refs are stale');
    }
    if (this.failure !== undefined) throw this.failure;
    for (const points of batch.points)
      for (let i = 0; i < points.count; i++) {
        const labels = this.labels[points.refs[i]!]!;
        const name = labels.map((part, k) => (k % 2 === 0 ? `${part}=` : `${part} `)).join('');
        assert.ok(points.kind !== KIND.histogram);
        const value = String(points.values[i]);
        this.lines.push(`${name}${value} @${points.tUs[i]}`);
      }
    for (const split of batch.splits) this.splits.set(split.name, split);
    for (const row of batch.metadata) this.metadata.push(`${row.family} ${row.type} ${row.help}`);
    await this.gate;
    return { applied: true };
  }

  async delete() {
    return { seriesCount: 0, pointCount: 0 };
  }
}

interface Setup {
  readonly storage: FakeStorage;
  readonly ingest: Ingest;
  readonly reports: WriteReport[];
}

function setup(limits: Partial<IngestLimits> = {}): Setup {
  const storage = new FakeStorage();
  const reports: WriteReport[] = [];
  const ingest = new Ingest({
    storage,
    prng: seededPrng(1),
    onWrite: (report) => reports.push(report),
    limits: { ...DEFAULT_INGEST_LIMITS, ...limits },
  });
  return { storage, ingest, reports };
}

function page(text: string): WriteRequest<ScanResult> {
  const body = new TextEncoder().encode(text);
  const options = { defaultTimeUs: 0, mode: 'import', extraLabels: [] } as const;
  return {
    ...lineRequest(''),
    protocol: 'prometheus-text',
    scan: (dictionary, sink) => scanPrometheusText(body, body.length, options, dictionary, sink),
  };
}

const tenant = openPrincipal('t1');

test('rows reach the storage with their labels, once resolved', async () => {
  const { storage, ingest, reports } = setup();
  const text = 'cpu,host=a usage=1,idle=2 5\ncpu,host=b usage=3,idle=4 5';
  const { scan, applied, pointCount } = await ingest.write(tenant, lineRequest(text));
  assert.deepEqual([scan.pointCount, scan.errorCount, applied, pointCount], [4, 0, true, 4]);
  await ingest.write(tenant, lineRequest(text));
  assert.deepEqual(storage.lines.slice(0, 4), storage.lines.slice(4));
  assert.deepEqual(storage.lines.slice(0, 2), [
    '__name__=cpu_usage host=a 1 @5',
    '__name__=cpu_idle host=a 2 @5',
  ]);
  assert.equal(storage.resolveCount, 4);
  assert.equal(storage.options[0]!.protocol, 'influx');
  assert.equal(ingest.inFlightBytes, 0);
  assert.equal(reports.length, 2);
  assert.equal(reports[1]!.pointCount, 4);
});

test('tenants, profiles and forced labels never share refs', async () => {
  const { storage, ingest } = setup();
  const forced: Principal = { ...tenant, forcedLabels: ['env', 'prod', 'host', 'x'] };
  await ingest.write(tenant, lineRequest('m,host=a f=1 1'));
  await ingest.write(forced, lineRequest('m,host=a f=1 1'));
  await ingest.write(openPrincipal('t2'), lineRequest('m,host=a f=1 1'));
  await ingest.write(tenant, { ...lineRequest('m,host=a f=1 1'), profileKey: 'other' });
  assert.equal(storage.resolveCount, 4);
  assert.deepEqual(
    storage.labels.map((labels) => labels.join(' ')),
    ['__name__ m_f host a', '__name__ m_f env prod host x', '__name__ m_f host a'],
  );
});

test('one stale ref among many: the others are not resolved again', async () => {
  const { storage, ingest } = setup();
  const body = 'm,i=1 f=1 1\nm,i=2 f=1 1\nm,i=3 f=1 1';
  await ingest.write(tenant, lineRequest(body));
  const before = storage.resolveCount;
  storage.retire(1);
  await ingest.write(tenant, lineRequest(body));
  assert.equal(storage.resolveCount, before + 1);
  assert.equal(storage.lines.length, 6);
  await ingest.write(tenant, lineRequest(body));
  assert.equal(storage.resolveCount, before + 1);
});

test('stale refs: everything is resolved again, exactly once', async () => {
  const { storage, ingest } = setup();
  await ingest.write(tenant, lineRequest('m f=1 1'));
  storage.staleAppends = 1;
  const { applied, scan } = await ingest.write(tenant, lineRequest('m f=2 2'));
  assert.ok(applied);
  assert.equal(scan.pointCount, 1);
  assert.deepEqual(storage.lines, ['__name__=m_f 1 @1', '__name__=m_f 2 @2']);
  assert.equal(storage.resolveCount, 2);
  // Two threads may disagree about a split after a ref went stale, so twice is not yet too often.
  storage.staleAppends = APPEND_TRIES_MAX - 1;
  assert.ok((await ingest.write(tenant, lineRequest('m f=3 3'))).applied);
  storage.staleAppends = APPEND_TRIES_MAX;
  await assert.rejects(ingest.write(tenant, lineRequest('m f=4 4')), {
    code: 'refs-unsettled',
    retryable: true,
    retryAfterSec: 1,
  });
  assert.equal(storage.lines.length, 3);
  assert.equal(ingest.inFlightBytes, 0);
});

test('label limits refuse a row with a sentence and are remembered', async () => {
  const labels = { labelCountMax: 3, labelNameBytesMax: 10, labelValueBytesMax: 12 };
  const { storage, ingest } = setup({ labels });
  const text = [
    'm{a="1",b="2"} 1',
    'm{a="1",b="2",c="3"} 1',
    'm{abcdefghijk="1"} 1',
    'm{a="ääääääa"} 1',
    'm{a="ääääää"} 1',
  ].join('\n');
  for (let round = 0; round < 2; round++) {
    const { scan } = await ingest.write(tenant, page(text));
    assert.equal(scan.pointCount, 2);
    assert.deepEqual(
      scan.errors.map((error) => `${error.line}: ${error.reason}`),
      [
        "2: series of metric 'm' has 4 labels, the limit is 3 (labels-per-series, see docs/operations/limits.md#labels-per-series)",
        "3: name of label 'abcdefghijk' of metric 'm' has 11 bytes, the limit is 10 (label-name-bytes, see docs/operations/limits.md#label-name-bytes)",
        "4: value of label 'a' of metric 'm' has 13 bytes, the limit is 12 (label-value-bytes, see docs/operations/limits.md#label-value-bytes)",
      ],
    );
  }
  assert.equal(storage.resolveCount, 2);
});

test('other limits and other rules hold from the next write of the same sender', async () => {
  const storage = new FakeStorage();
  const book = new LimitBook({});
  let labelLimits = { 'labels-per-series': 3 };
  let version = 1;
  const relabel: RelabelSource = {
    of: () => ({
      version,
      apply: (labels) => (version === 1 ? { kind: 'kept', labels } : { kind: 'dropped', rule: 1 }),
    }),
  };
  book.readFrom({ tenant: () => ({ limits: labelLimits }), token: () => undefined });
  const clock = { nowMs: () => 0, monotonicMs: () => 0 };
  const quotas = new Quotas({ limitsOf: book.of.bind(book), clock });
  const ingest = new Ingest({ storage, prng: seededPrng(1), relabel, quotas });
  const write = async () => {
    const { scan, pointCount } = await ingest.write(tenant, page('m{a="1",b="2"} 1'));
    return [pointCount, scan.errors.map(({ reason }) => reason).join()];
  };
  assert.deepEqual(await write(), [1, '']);
  labelLimits = { 'labels-per-series': 2 };
  book.changed(tenant.tenant);
  quotas.changed(tenant.tenant);
  const [kept, reason] = await write();
  assert.equal(kept, 0);
  assert.match(String(reason), /has 3 labels, the limit is 2/);
  labelLimits = { 'labels-per-series': 3 };
  book.changed(tenant.tenant);
  quotas.changed(tenant.tenant);
  assert.deepEqual(await write(), [1, '']);
  version = 2;
  assert.deepEqual(await write(), [0, '']);
});

test('a series limit refuses new series now, not for ever', async () => {
  const { storage, ingest } = setup();
  storage.seriesMax = 1;
  const text = 'a f=1 1\nb f=1 1';
  const { scan } = await ingest.write(tenant, lineRequest(text));
  assert.equal(scan.pointCount, 1);
  assert.match(scan.errors[0]!.reason, /new series of metric 'b_f' refused: .* limit of series/);
  storage.seriesMax = 2;
  assert.equal((await ingest.write(tenant, lineRequest(text))).scan.errorCount, 0);
});

test('splits are sent once; a later different split gets its origin label', async () => {
  const { storage, ingest } = setup();
  await ingest.write(tenant, lineRequest('a_b c=1 1'));
  assert.deepEqual(
    [...storage.splits.values()],
    [{ name: 'a_b_c', measurement: 'a_b', field: 'c' }],
  );
  await ingest.write(tenant, lineRequest('a b_c=2 2\na_b c=3 3\na_b_c value=4 4'));
  assert.deepEqual(storage.lines.slice(1), [
    '__name__=a_b_c __origin__=a/b_c 2 @2',
    '__name__=a_b_c 3 @3',
    '__name__=a_b_c __origin__=a_b_c/value 4 @4',
  ]);
  assert.equal(storage.splits.size, 1);
});

test('two splits of one name in one batch: the first wins', async () => {
  const { storage, ingest } = setup();
  await ingest.write(tenant, lineRequest('a_b c=1 1\na b_c=2 2'));
  assert.equal(storage.lines[1], '__name__=a_b_c __origin__=a/b_c 2 @2');
  assert.equal(storage.splits.get('a_b_c')!.measurement, 'a_b');
});

test('a failed append sends splits and metadata again', async () => {
  const { storage, ingest } = setup();
  const text = '# HELP m Help.\n# TYPE m gauge\nm 1 1\n';
  storage.failure = new AppError('unavailable', 'disk-full', 'the disk is full');
  await assert.rejects(ingest.write(tenant, page(text)), { code: 'disk-full' });
  await assert.rejects(ingest.write(tenant, lineRequest('m f=1 1')), { code: 'disk-full' });
  storage.failure = undefined;
  for (let i = 0; i < 2; i++) {
    await ingest.write(tenant, page(text));
    await ingest.write(tenant, lineRequest('m f=1 1'));
  }
  assert.deepEqual(storage.metadata, ['m gauge Help.']);
  assert.equal(storage.splits.get('m_f')!.field, 'f');
});

test('changed metadata is sent again', async () => {
  const { storage, ingest } = setup();
  await ingest.write(tenant, page('# HELP m one\nm 1 1\n'));
  await ingest.write(tenant, page('# HELP m two\nm 1 1\n'));
  assert.deepEqual(storage.metadata, ['m unknown one', 'm unknown two']);
});

test('a refused batch stores nothing', async () => {
  const { storage, ingest, reports } = setup();
  const request = { ...lineRequest('m f=1 1\nbad'), refuses: (r: ScanResult) => r.errorCount > 0 };
  const { applied, pointCount, scan } = await ingest.write(tenant, request);
  assert.deepEqual([applied, pointCount, scan.pointCount], [false, 0, 1]);
  assert.equal(storage.options.length, 0);
  assert.equal(reports[0]!.pointCount, 0);
  await ingest.write(tenant, lineRequest('m f=1 1'));
  assert.equal(storage.splits.size, 1);
});

test('an empty batch is not appended', async () => {
  const { storage, ingest } = setup();
  assert.equal((await ingest.write(tenant, lineRequest('# nothing\n'))).applied, false);
  assert.equal(storage.options.length, 0);
});

test('permission and time range of the principal', async () => {
  const { storage, ingest } = setup();
  const reader: Principal = { ...tenant, permissions: new Set(['read']) };
  await assert.rejects(ingest.write(reader, lineRequest('m f=1 1')), { kind: 'forbidden' });
  const bounded: Principal = { ...tenant, minTUs: 10, maxTUs: 20 };
  const { scan } = await ingest.write(
    bounded,
    lineRequest('m f=1 9\nm f=2 10\nm s="x",i=1i 20\nm f=4,b=true 21'),
  );
  assert.deepEqual(storage.lines, [
    '__name__=m_f 2 @10',
    '__name__=m_i 1 @20',
    '__name__=m_s x @20',
  ]);
  assert.deepEqual([scan.pointCount, scan.errorCount], [3, 3]);
  assert.match(scan.errors[0]!.reason, /3 points lie outside .* 10 to 20 microseconds/);
});

test('too many bytes in flight: come back later', async () => {
  const { storage, ingest } = setup({ inFlightBytesMax: 20 });
  let open = (): void => undefined;
  storage.gate = new Promise((resolve) => {
    open = resolve;
  });
  const first = ingest.write(tenant, { ...lineRequest('m f=1 1'), sizeBytes: 100 });
  await assert.rejects(ingest.write(tenant, lineRequest('m f=2 2')), {
    kind: 'unavailable',
    code: 'ingest-busy',
    retryAfterSec: 1,
  });
  open();
  assert.ok((await first).applied);
  assert.ok((await ingest.write(tenant, lineRequest('m f=3 3'))).applied);
});
