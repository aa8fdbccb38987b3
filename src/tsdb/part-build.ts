// From a view to a part: every series of some tenants in a time range, resolved, streamed into a
// blob. The flush gives a view of one generation, a merge a view of its input parts.
import type { Blobs } from '../blobs/blobs.ts';
import type { Samples } from '../model/columns.ts';
import type { Labels } from '../model/labels.ts';
import type { TenantId } from '../model/tenant.ts';
import { WRITE_PIECE_SAMPLES, WRITE_PIECE_SERIES } from './limits.ts';
import type { Pause } from './pacer.ts';
import type { PartRow, SeriesContent, TenantContent } from './part-format.ts';
import { PartWriter } from './part-writer.ts';
import { resolveSources } from './samples.ts';
import type { Source, TimeRange } from './samples.ts';
import { HeadSeries, scanSeries } from './select.ts';
import type { Scan } from './scan.ts';
import type { SeriesIndex } from './series-index.ts';
import { foldAttributes, foldExemplars, foldMetadata } from './side-tables.ts';
import type { View } from './view.ts';

export interface BuildRequest {
  readonly name: string;
  readonly level: number;
  readonly partitionUs: number | undefined;
  readonly seqMin: number;
  readonly seqMax: number;
  readonly deletesEnd: number;
  /** Samples and exemplars outside are left out. */
  readonly range: TimeRange;
  /** What a tenant has below this time is expired and left out. */
  readonly horizonUs: (tenant: TenantId) => number;
  /** Metadata and attributes, which have no time, go into exactly one part of a merge. */
  readonly withTimeless: boolean;
  readonly view: View;
  readonly moment: number;
  /** Byte order. */
  readonly tenants: readonly TenantId[];
  readonly index: SeriesIndex;
  /** Called between pieces of work. */
  readonly pause: Pause;
  /** Hears how many samples were written; of a view of generations alone. */
  readonly wrote?: (sampleCount: number) => void;
  /** Sees every series before it is resolved. */
  readonly witness?: (tenant: TenantId, labels: Labels, sources: readonly Source[]) => void;
}

/** Writes the part; undefined (and no blob) where it would be empty. */
export async function buildPart(blobs: Blobs, request: BuildRequest): Promise<PartRow | undefined> {
  const contents = tenantContents(request);
  const first = await contents.next();
  if (first.done === true) return undefined;
  async function* all(): AsyncGenerator<TenantContent, void, void> {
    yield first.value as TenantContent;
    yield* contents;
  }
  const writer = new PartWriter(request.pause, request.index);
  const { name, level, partitionUs, seqMin, seqMax, deletesEnd } = request;
  const { sizeBytes } = await blobs.put(name, writer.stream(all(), { level, seqMin, seqMax }));
  return {
    name,
    level,
    partitionUs,
    seqMin,
    seqMax,
    deletesEnd,
    sizeBytes,
    ...writer.totals,
  };
}

async function* tenantContents(request: BuildRequest): AsyncGenerator<TenantContent, void, void> {
  for (const tenant of request.tenants) {
    const startUs = Math.max(request.range.startUs, request.horizonUs(tenant));
    const { endUs } = request.range;
    const narrowed = { ...request, range: { startUs, endUs } };
    const series = seriesOf(narrowed, tenant);
    const first = await series.next();
    const side = { ...request, tenant };
    const exemplars = (await foldExemplars(side)).filter(
      (row) => row.tUs >= startUs && row.tUs <= endUs,
    );
    const attributes = request.withTimeless ? await foldAttributes(side) : [];
    const metadata = request.withTimeless ? await foldMetadata(side) : [];
    if (first.done === true && exemplars.length + attributes.length + metadata.length === 0)
      continue;
    async function* all(): AsyncGenerator<Iterable<SeriesContent>, void, void> {
      if (first.done === true) return;
      yield first.value;
      yield* series;
    }
    yield { tenant, series: all(), exemplars, attributes, metadata };
  }
}

const check = (): void => undefined;

async function* seriesOf(
  request: BuildRequest,
  tenant: TenantId,
): AsyncGenerator<Iterable<SeriesContent>, void, void> {
  const { view, moment, index, range, pause } = request;
  const where = { tenant, matchers: [], range, view, moment };
  const yieldTurn = async (): Promise<void> => pause();
  const scan = { ...where, index, check, yieldTurn, isOnce: true };
  if (view.parts.length === 0 && request.witness === undefined) {
    const steps = index.orderSteps(tenant);
    while (steps.next().done !== true) await pause();
    yield* headOf(scan, request.wrote);
    return;
  }
  for await (const series of scanSeries(scan)) {
    const sources = await series.sources();
    if (sources.length === 0) continue;
    request.witness?.(tenant, series.labels, sources);
    await pause();
    yield [{ series: series.labels, chunks: resolveSources(sources) }];
  }
}

/** Series of generations alone, which are in memory: by ref, many at a time. */
async function* headOf(
  scan: Scan,
  wrote: BuildRequest['wrote'],
): AsyncGenerator<Iterable<SeriesContent>, void, void> {
  const piece = new HeadPiece(new HeadSeries(scan));
  while (piece.goOn()) {
    yield piece;
    wrote?.(WRITE_PIECE_SAMPLES - piece.samplesLeft);
  }
}

/**
 * Some series of the head, one at a time: the next one may lie where this one did, and nobody else
 * may run before it is written. So none is read before it is asked for, but the first, which says
 * whether there are any.
 */
class HeadPiece implements IterableIterator<SeriesContent> {
  readonly #series: HeadSeries;
  /** Read but not given out. */
  #first: readonly Samples[] | undefined;
  #isOver: boolean;
  #seriesLeft = 0;
  /** Of the piece at hand; below zero where its last series had more. */
  samplesLeft = 0;

  constructor(series: HeadSeries) {
    this.#series = series;
    this.#first = series.next({ isKept: true });
    this.#isOver = this.#first === undefined;
  }

  /** Begins another piece, which may be empty; false: there is none. */
  goOn(): boolean {
    this.#seriesLeft = WRITE_PIECE_SERIES;
    this.samplesLeft = WRITE_PIECE_SAMPLES;
    return !this.#isOver;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<SeriesContent, undefined> {
    if (this.#isOver || this.#seriesLeft <= 0 || this.samplesLeft <= 0)
      return { done: true, value: undefined };
    const chunks = this.#first ?? this.#series.next();
    this.#first = undefined;
    if (chunks === undefined) {
      this.#isOver = true;
      return { done: true, value: undefined };
    }
    this.#seriesLeft--;
    for (const { count } of chunks) this.samplesLeft -= count;
    return { done: false, value: { series: this.#series.ref, chunks } };
  }
}
