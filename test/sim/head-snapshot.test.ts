// A head snapshot and the log behind it make the same storage as the log alone: random histories of
// all kinds of rows, with deletes, splits, flushes and resent batches, while head snapshots are
// taken in their midst; the machine dies, and what is left is opened with the head snapshot and
// without. Both say the same then, and still after more of the same.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from '../../src/codec/crc32.ts';
import { BatchBuilder } from '../../src/model/batch-builder.ts';
import { ALL_KINDS, KIND } from '../../src/model/columns.ts';
import type { WriteBatch } from '../../src/model/columns.ts';
import { COUNTER_RESET_HINT } from '../../src/model/histogram.ts';
import { labelsFromObject } from '../../src/model/labels.ts';
import { matcher } from '../../src/model/matcher.ts';
import type { ReadContext, Storage } from '../../src/model/storage.ts';
import { openPrincipal } from '../../src/model/tenant.ts';
import { randomInt, seededPrng } from '../../src/stdx/prng.ts';
import type { Prng } from '../../src/stdx/prng.ts';
import { SNAPSHOT_FOOTER_SIZE } from '../../src/tsdb/head-snapshot-format.ts';
import type { TsdbEvent } from '../../src/tsdb/tsdb.ts';
import { engineOpener } from './open-engine.ts';
import type { EngineMutations, EngineSettings } from './open-engine.ts';
import { World } from './world.ts';

const SEEDS = 24;
const TENANTS = ['a', 'b', 'c'];
const EVER = { startUs: -1e17, endUs: 1e17 };

function settingsOf(prng: Prng): EngineSettings['tsdb'] {
  const pick = <T>(values: readonly T[]): T => values[randomInt(prng, values.length)]!;
  return {
    headBytesMax: 10_000_000,
    flushIntervalMs: 0,
    pageSamples: [1, 2, 3],
    sealSamples: pick([4, 4, 9, 0]),
    sealHeadBytes: pick([0, 0, 20_000]),
    level0PartsMax: 3,
    partitionPartsMax: 2,
    openingRestMs: 0,
    headSnapshotLogBytes: pick([200, 3000, 12_000]),
    seriesEncoding: pick(['ref', 'ref', 'inline'] as const),
  };
}

interface Opened {
  readonly storage: Storage;
  readonly events: TsdbEvent[];
}

async function open(
  world: World,
  tsdb: EngineSettings['tsdb'],
  mutations: EngineMutations = {},
): Promise<Opened> {
  const events: TsdbEvent[] = [];
  const opening = engineOpener(mutations)(world.boot(), {
    settings: {
      segmentSizeBytes: 16 * 1024,
      tsdb,
      conflictPeriod: 2 ** 32,
      areMergesElsewhere: false,
    },
    report: (event) => events.push(event),
    probe: () => undefined,
  });
  return { storage: await world.run(opening), events };
}

/** Everything that one batch can hold, of few series and times. */
function batchOf(storage: Storage, tenant: string, prng: Prng): WriteBatch {
  const builder = new BatchBuilder();
  const name = (): string => `m${randomInt(prng, 3)}`;
  const seriesCount = randomInt(prng, 4) === 0 ? 200 : 6;
  for (let i = randomInt(prng, 12); i >= 0; i--) {
    const metric = name();
    const labels = { __name__: metric, s: `${randomInt(prng, seriesCount)}` };
    const ref = storage.resolve(tenant, labelsFromObject(labels));
    const tUs = [1, 1000, 1e12][randomInt(prng, 3)]! * randomInt(prng, 20);
    const subNs = randomInt(prng, 5) === 0 ? 7 : 0;
    const value = randomInt(prng, 1000);
    const kind = randomInt(prng, 3) > 0 ? KIND.f64 : randomInt(prng, 6);
    if (kind === KIND.f64) builder.f64(ref, tUs, subNs, value / 8);
    else if (kind === KIND.i64) builder.i64(ref, tUs, subNs, -value, -1);
    else if (kind === KIND.u64) builder.u64(ref, tUs, subNs, value, 1);
    else if (kind === KIND.boolean) builder.boolean(ref, tUs, subNs, value % 2 === 0);
    else if (kind === KIND.string) builder.string(ref, tUs, subNs, `text ${value} é`);
    else builder.histogram(ref, tUs, subNs, histogramOf(value));
    if (kind === KIND.f64 && value % 5 === 0) builder.startOfLast(KIND.f64, tUs - 1);
    if (kind === KIND.f64 && value % 7 === 0)
      builder.positionOfLast(KIND.f64, 1, value, Number.NaN);
    const draw = randomInt(prng, 12);
    if (draw === 0)
      builder.exemplar({ ref, labels: ['trace', `${value}`], tUs, subNs, value: value + 0.5 });
    if (draw === 1) builder.attribute({ ref, key: `k${value % 3}`, value: `${value}` });
    if (draw === 2)
      builder.metadata({ family: name(), type: 'gauge', unit: 's', help: `${value}` });
    if (draw === 3) builder.split({ name: metric, measurement: 'm', field: `${value}` });
  }
  return builder.finish();
}

function histogramOf(n: number) {
  return {
    isInteger: true,
    schema: 0,
    zeroThreshold: 0,
    zeroCount: 0,
    count: n,
    sum: n / 4,
    counterResetHint: COUNTER_RESET_HINT.unknown,
    positiveSpans: [{ offset: n % 3, length: 1 }],
    positiveBuckets: new Float64Array([n]),
    negativeSpans: [],
    negativeBuckets: new Float64Array(0),
    customValues: new Float64Array(0),
  };
}

interface Sent {
  readonly tenant: string;
  readonly batchId: Uint8Array;
}

/** A write or a delete; `sent` takes the batch ids that were used. */
async function act(storage: Storage, prng: Prng, sent: Sent[]): Promise<void> {
  const tenant = TENANTS[randomInt(prng, TENANTS.length)]!;
  const principal = openPrincipal(tenant);
  const batchId = prng.bytes(16);
  const isNamed = randomInt(prng, 2) === 0;
  const options = {
    principal,
    durability: randomInt(prng, 4) === 0 ? 'async' : 'sync',
    protocol: 'sim',
    batchId: isNamed ? batchId : undefined,
  } as const;
  if (isNamed) sent.push({ tenant, batchId });
  if (randomInt(prng, 6) > 0) {
    await storage.append(batchOf(storage, tenant, prng), options);
    return;
  }
  const startUs = 1000 * randomInt(prng, 20);
  const matchers = [matcher('__name__', '=', `m${randomInt(prng, 3)}`)];
  if (randomInt(prng, 2) === 0) matchers.push(matcher('s', '=~', `[${randomInt(prng, 6)}-9]`));
  const isOpen = randomInt(prng, 4) === 0;
  const endUs = isOpen ? Number.POSITIVE_INFINITY : startUs + 8000;
  const request = { matchers, startUs, endUs, dryRun: false, skipCounts: true };
  await storage.delete(request, options);
}

function contextOf(tenant: string, pin: ReadContext['pin']): ReadContext {
  const budget = { take: () => undefined, give: () => undefined };
  return { principal: openPrincipal(tenant), pin, signal: new AbortController().signal, budget };
}

/** Every answer, as text that tells all bits apart. */
async function contentOf(storage: Storage): Promise<string> {
  const pin = storage.pin();
  const all: unknown[] = [storage.tenants(), storage.stats().headSamples];
  for (const tenant of TENANTS) {
    const context = contextOf(tenant, pin);
    const selector = { matchers: [], ...EVER, limit: 0 };
    for await (const series of storage.select(context, { ...selector, kinds: ALL_KINDS }))
      all.push(series);
    for (const s of ['1', '3', '150'])
      all.push(await storage.series(context, { ...selector, matchers: [matcher('s', '=', s)] }));
    all.push(await storage.labelValues(context, 's', selector));
    all.push(await storage.exemplars(context, selector));
    all.push(await storage.attributes(context, selector));
    all.push(await storage.metadata(context, { family: undefined, limit: 0 }));
    all.push(await storage.splits(context));
  }
  pin.release();
  return JSON.stringify(all, (_, value: unknown) =>
    typeof value === 'bigint' || Number.isNaN(value) ? String(value) : value,
  );
}

/** Which of the batches count as seen. */
async function seenOf(storage: Storage, sent: readonly Sent[]): Promise<boolean[]> {
  const seen: boolean[] = [];
  for (const { tenant, batchId } of sent) {
    const batch = new BatchBuilder();
    batch.f64(storage.resolve(tenant, labelsFromObject({ __name__: 'resent' })), 1, 0, 1);
    const principal = openPrincipal(tenant);
    const options = { principal, durability: 'sync', protocol: 'sim', batchId } as const;
    seen.push(!(await storage.append(batch.finish(), options)).applied);
  }
  return seen;
}

function headPaths(world: World): readonly string[] {
  return world.disk.paths().filter((path) => path.endsWith('.head'));
}

async function live(world: World, { storage }: Opened, prng: Prng, sent: Sent[]): Promise<void> {
  const under: Promise<unknown>[] = [];
  for (let i = 5 + randomInt(prng, 40); i > 0; i--) {
    under.push(act(storage, prng, sent));
    if (randomInt(prng, 40) === 0) under.push(storage.flush());
    // A pin's moments are in the records too.
    const pin = randomInt(prng, 4) === 0 ? storage.pin() : undefined;
    await world.runSteps(randomInt(prng, 30));
    pin?.release();
  }
  await world.run(Promise.all(under));
  await world.runSteps(randomInt(prng, 200));
}

interface Answers {
  readonly first: string;
  readonly seen: readonly boolean[];
  readonly later: string;
  readonly flushed: string;
}

/** Opens what the disk has, asks, writes more, asks again. */
async function answersOf(
  world: World,
  tsdb: EngineSettings['tsdb'],
  seed: number,
  sent: readonly Sent[],
): Promise<Answers> {
  const { storage, events } = await open(world, { ...tsdb, headSnapshotLogBytes: 0 });
  assert.deepEqual(events, []);
  const first = await world.run(contentOf(storage));
  const seen = await world.run(seenOf(storage, sent));
  const prng = seededPrng(seed);
  for (let i = 0; i < 15; i++) await world.run(act(storage, prng, []));
  await world.runFor(1000);
  const later = await world.run(contentOf(storage));
  await world.run(storage.compact());
  const flushed = await world.run(contentOf(storage));
  world.crash('kill');
  return { first, seen, later, flushed };
}

test('a head snapshot and the log behind it are the log', async () => {
  let used = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const world = new World({ seed });
    const prng = seededPrng(seed);
    const tsdb = settingsOf(prng);
    const sent: Sent[] = [];
    for (let life = randomInt(prng, 3); life >= 0; life--) {
      await live(world, await open(world, tsdb), prng, sent);
      world.crash('kill');
    }
    const [path] = headPaths(world);
    if (path === undefined) continue;
    used++;
    const saved = world.disk.save();
    const answers = await answersOf(world, tsdb, seed, sent);
    world.disk.restore(saved);
    world.disk.changeNames(
      '/data/blobs/head/0',
      headPaths(world).map((one) => [one, undefined]),
    );
    assert.deepEqual(headPaths(world), []);
    assert.deepEqual(await answersOf(world, tsdb, seed, sent), answers, `seed ${seed}`);
  }
  assert.ok(used > SEEDS / 3, `only ${used} histories had a head snapshot`);
});

test('a closed log whose end is cut off is named by the head snapshot', async () => {
  const world = new World({ seed: 5 });
  const prng = seededPrng(5);
  const tsdb = { ...settingsOf(prng), headSnapshotLogBytes: 200 };
  const { storage } = await open(world, tsdb);
  for (let i = 0; i < 40; i++) await world.run(act(storage, prng, []));
  await world.run(storage.close());
  world.crash('kill');
  assert.equal(headPaths(world).length, 1, 'the close takes a head snapshot');
  const logs = world.disk.paths().filter((path) => path.endsWith('.log'));
  const last = logs
    .filter((path) => world.disk.bytesOf(path)![0] !== 0)
    .toSorted()
    .at(-1)!;
  world.disk.cut(last, 1029);
  const { events } = await open(world, tsdb);
  const reasons = events.map((event) => (event.kind === 'log-damage' ? event.reason : event.kind));
  assert.match(reasons.join('\n'), /^the log ends at record \d+, a head snapshot has seen \d+/);
});

/** Puts other bytes in the place of some of a file. */
function overwrite(world: World, path: string, at: number, bytes: Uint8Array): void {
  const old = world.disk.bytesOf(path)!.slice(at, at + bytes.length);
  for (let bit = 0; bit < bytes.length * 8; bit++)
    if ((((old[bit >>> 3]! ^ bytes[bit >>> 3]!) >>> (bit & 7)) & 1) === 1)
      world.disk.flipBit(path, at * 8 + bit);
}

test('a head snapshot of another version is removed, the log says the same', async () => {
  const world = new World({ seed: 6 });
  const prng = seededPrng(6);
  const tsdb = { ...settingsOf(prng), headSnapshotLogBytes: 200 };
  const { storage } = await open(world, tsdb);
  for (let i = 0; i < 40; i++) await world.run(act(storage, prng, []));
  const content = await world.run(contentOf(storage));
  await world.run(storage.close());
  world.crash('kill');
  const saved = world.disk.save();
  const [path] = headPaths(world);
  assert.ok(path !== undefined, 'the close takes a head snapshot');
  const sizeBytes = world.disk.fileSizeBytes(path);
  const footer = world.disk.bytesOf(path)!.slice(sizeBytes - SNAPSHOT_FOOTER_SIZE);
  for (const version of [footer[8]!, footer[8]! - 1, footer[8]! + 1]) {
    world.disk.restore(saved);
    const other = footer.slice();
    other[8] = version;
    const body = other.subarray(0, SNAPSHOT_FOOTER_SIZE - 4);
    new DataView(other.buffer).setUint32(body.length, crc32(body), true);
    overwrite(world, path, sizeBytes - SNAPSHOT_FOOTER_SIZE, other);
    const opened = await open(world, { ...tsdb, headSnapshotLogBytes: 0 });
    assert.deepEqual(opened.events, []);
    assert.deepEqual(headPaths(world), version === footer[8] ? [path] : []);
    assert.equal(await world.run(contentOf(opened.storage)), content);
    world.crash('kill');
  }
});
