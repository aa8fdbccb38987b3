// A small store on real files, whole or as a kill leaves it: for tests that damage it. Each series
// is in one part or in the log, so that what is left beside a damage is known.
import { cp } from 'node:fs/promises';
import { realFiles } from '../../src/app/real/files.ts';
import { realPrng } from '../../src/app/real/prng.ts';
import { realScheduler } from '../../src/app/real/scheduler.ts';
import { DirectoryBlobs } from '../../src/blobs/directory-blobs.ts';
import { SqliteCatalog } from '../../src/catalog/sqlite-catalog.ts';
import { openSegmentLog } from '../../src/log/segment-log.ts';
import type { Log } from '../../src/log/log.ts';
import { BatchBuilder } from '../../src/model/batch-builder.ts';
import { ALL_KINDS, KIND } from '../../src/model/columns.ts';
import { labelsFromObject, labelValue } from '../../src/model/labels.ts';
import { matcher } from '../../src/model/matcher.ts';
import type { ReadContext, SelectRequest, Storage } from '../../src/model/storage.ts';
import { openPrincipal } from '../../src/model/tenant.ts';
import { openShards } from '../../src/tsdb/open-shards.ts';
import type { TsdbEvent, TsdbSettings } from '../../src/tsdb/tsdb.ts';
import { assert, errorMessage } from '../../src/stdx/assert.ts';

const TENANTS = ['default', 'other'] as const;
const SERIES_PER_STEP = 3;
const POINTS = 400;
const DAY_US = 86_400e6;
const STEPS = ['merged', 'flushed', 'logged'] as const;
type Step = (typeof STEPS)[number];

export interface OpenedStore {
  readonly storage: Storage;
  readonly events: TsdbEvent[];
}

/** Opens a folder as the server does. Throws FatalError. */
export async function openStore(
  data: string,
  settings: Partial<TsdbSettings> = {},
): Promise<OpenedStore> {
  const events: TsdbEvent[] = [];
  const catalog = await SqliteCatalog.open(`${data}/catalog.sqlite`);
  try {
    const logs: Log[] = [];
    const openLog = async (): Promise<Log> => {
      const directory = `${data}/log`;
      const options = { files: realFiles, directory, prng: realPrng };
      const log = await openSegmentLog({ ...options, segmentSizeBytes: 64 * 1024 });
      logs.push(log);
      return log;
    };
    const storage = await openShards({
      shardCount: undefined,
      openLog,
      blobs: await DirectoryBlobs.open(realFiles, `${data}/blobs`),
      catalog,
      clock: { nowMs: () => 1.8e12, monotonicMs: () => 0 },
      scheduler: realScheduler,
      prng: realPrng,
      settings: { flushIntervalMs: 0, ...settings },
      report: (event) => events.push(event),
    });
    return { storage, events };
  } catch (error) {
    await catalog.close();
    throw error;
  }
}

/** Each step writes another day. */
function rangeOf(step: Step): { startUs: number; endUs: number } {
  const startUs = 1.7e15 + STEPS.indexOf(step) * DAY_US;
  return { startUs, endUs: startUs + DAY_US - 1 };
}

function valueAt(series: number, i: number): number {
  return series % 2 === 0 ? series * 1000 + i : Math.sin(i) * 1e6 + series;
}

async function write(storage: Storage, tenant: string, step: Step): Promise<void> {
  for (let series = 0; series < SERIES_PER_STEP; series++) {
    const builder = new BatchBuilder();
    const labels = { __name__: step, series: String(series), text: 'x'.repeat(40) };
    const ref = storage.resolve(tenant, labelsFromObject(labels));
    const { startUs } = rangeOf(step);
    for (let i = 0; i < POINTS; i++) builder.f64(ref, startUs + i * 15e6, 0, valueAt(series, i));
    const trace = ['trace_id', `${step} ${series}`];
    builder.exemplar({ ref, labels: trace, tUs: startUs, subNs: 0, value: series });
    builder.attribute({ ref, key: 'step', value: step });
    builder.metadata({ family: step, type: 'gauge', unit: '', help: `of ${step}` });
    await storage.append(builder.finish(), {
      principal: openPrincipal(tenant),
      durability: 'sync',
      protocol: 'test',
      batchId: undefined,
    });
  }
}

/**
 * Makes `data` (merged parts, a flushed part, points in the log, a delete) and, beside it, what a
 * kill at that moment leaves in `killed`; `data` is then closed. `withHeadSnapshot`: of what is in
 * the log there is one.
 */
export async function makeSmallStore(
  data: string,
  killed: string,
  { withHeadSnapshot } = { withHeadSnapshot: false },
): Promise<void> {
  await realFiles.makeDirectory(data);
  const settings = withHeadSnapshot ? { headSnapshotLogBytes: 1 } : {};
  const { storage } = await openStore(data, settings);
  for (const step of STEPS) {
    for (const tenant of TENANTS) await write(storage, tenant, step);
    if (step === 'merged') {
      const request = { matchers: [matcher('series', '=', '2')], startUs: 0, endUs: 1.7e15 };
      const options = { durability: 'sync', protocol: 'test', batchId: undefined } as const;
      const principal = openPrincipal('other');
      await storage.delete({ ...request, dryRun: false }, { ...options, principal });
      await storage.compact();
    } else if (step === 'flushed') await storage.flush();
  }
  if (withHeadSnapshot) await headSnapshotIn(data);
  await cp(data, killed, { recursive: true });
  await storage.close();
}

/** Waits until the folder has a head snapshot, and none is on its way. */
async function headSnapshotIn(data: string): Promise<void> {
  const list = (name: string): Promise<readonly string[]> =>
    realFiles.list(`${data}/blobs/${name}`);
  for (let left = 500; left > 0; left--) {
    await realScheduler.sleep(10);
    const names = await list('head/0');
    if (names.length === 1 && (await list('.tmp')).length === 0) return;
  }
  throw new Error(`${data} has no head snapshot`);
}

/** Series text → its points as one text, or the error that reading it gave. */
export type StoreContent = ReadonlyMap<string, string | { readonly error: string }>;

/** Reads series by series, so that one that fails leaves the others; then the metadata. */
export async function readStore({ storage }: OpenedStore): Promise<StoreContent> {
  const out = new Map<string, string | { readonly error: string }>();
  const pin = storage.pin();
  const attempt = async (name: string, read: () => Promise<string | undefined>): Promise<void> => {
    try {
      const text = await read();
      if (text !== undefined) out.set(name, text);
    } catch (error) {
      out.set(name, { error: errorMessage(error) });
    }
  };
  for (const tenant of TENANTS) {
    const context = {
      principal: openPrincipal(tenant),
      pin,
      signal: new AbortController().signal,
      budget: { take: () => undefined, give: () => undefined },
    };
    for (const step of STEPS)
      for (let series = 0; series < SERIES_PER_STEP; series++) {
        const matchers = [matcher('__name__', '=', step), matcher('series', '=', String(series))];
        const request = { matchers, ...rangeOf(step), kinds: ALL_KINDS };
        await attempt(`${tenant} ${step} ${series}`, () => readSeries(storage, context, request));
      }
    const everything = { matchers: [], startUs: -1e16, endUs: 1e16 };
    await attempt(`${tenant} metadata`, async () =>
      JSON.stringify([
        await storage.metadata(context, { family: undefined, limit: 0 }),
        await storage.exemplars(context, everything),
        await storage.attributes(context, everything),
      ]),
    );
  }
  pin.release();
  return out;
}

async function readSeries(
  storage: Storage,
  context: ReadContext,
  request: SelectRequest,
): Promise<string | undefined> {
  let text: string | undefined;
  for await (const { labels, chunks } of storage.select(context, request)) {
    text = `${labelValue(labels, 'text')}:`;
    for (const chunk of chunks) {
      assert(chunk.kind === KIND.f64, 'only doubles are written');
      for (let i = 0; i < chunk.count; i++) text += ` ${chunk.tUs[i]}=${chunk.values[i]}`;
    }
  }
  return text;
}

/** Which step a series of `StoreContent` was written in; metadata is of all. */
export function stepOf(series: string): string {
  return series.split(' ')[1]!;
}
