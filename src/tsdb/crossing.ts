// What crosses between a thread that parses and the thread that owns the shards: batches as columns
// cut by shard, and the answers to them. Columns are given away, not copied; what has no columns
// (strings, native histograms, exemplars, metadata) is cloned. Structured clone turns the payload
// of a NaN in a plain number into the common one, so such numbers cross in a column too.
import { KIND } from '../model/columns.ts';
import type { Exemplar, NameSplit, Points, SeriesRef, WriteBatch } from '../model/columns.ts';
import { AppError } from '../model/errors.ts';
import type { ErrorKind } from '../model/errors.ts';
import type { Histogram } from '../model/histogram.ts';
import type { AppendOptions } from '../model/storage.ts';
import { openPrincipal } from '../model/tenant.ts';
import type { TenantId } from '../model/tenant.ts';
import { BugError, errorMessage, must } from '../stdx/assert.ts';

/** New series of one tenant and one shard, numbered one after the other. */
export interface SentSeries {
  readonly shard: number;
  readonly tenant: TenantId;
  /** The sender's number of the first one in this shard. */
  readonly first: number;
  /** By series: how many labels; then by label: bytes of its name, bytes of its value. */
  readonly program: Uint32Array<ArrayBuffer>;
  /** Names and values, UTF-8, one after the other. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A batch of one shard, whose refs are the sender's numbers. */
export interface SentPart {
  readonly batch: WriteBatch;
  /** By column set of histograms, in their order: the sums. */
  readonly sums: readonly Float64Array<ArrayBuffer>[];
  /** undefined: there are none. */
  readonly exemplarValues: Float64Array<ArrayBuffer> | undefined;
}

export interface SentOptions extends Omit<AppendOptions, 'principal'> {
  readonly tenant: TenantId;
  readonly tokenId: string;
  readonly minTUs: number;
  readonly maxTUs: number;
}

export type SentMessage =
  | {
      readonly kind: 'series';
      readonly epoch: number;
      readonly series: readonly SentSeries[];
    }
  | {
      readonly kind: 'append';
      readonly id: number;
      /** The numbering that the refs belong to; a later one makes the earlier ones void. */
      readonly epoch: number;
      readonly series: readonly SentSeries[];
      /** By shard. */
      readonly parts: readonly (SentPart | undefined)[];
      readonly options: SentOptions;
    };

export interface SentError {
  /** undefined: not an operating error. */
  readonly app:
    | {
        readonly kind: ErrorKind;
        readonly code: string;
        readonly retryable: boolean;
        readonly retryAfterSec: number | undefined;
      }
    | undefined;
  readonly message: string;
  readonly stack: string | undefined;
}

export type AppendAnswer =
  | { readonly kind: 'done'; readonly id: number; readonly applied: boolean }
  /** Nothing was stored. `isVoid`: no ref of the epoch counts any more. */
  | {
      readonly kind: 'failed';
      readonly id: number;
      readonly error: SentError;
      readonly isVoid: boolean;
    }
  /**
   * Nothing was stored: these refs are not known any more, and series with those keys may not be
   * made now.
   */
  | {
      readonly kind: 'stale';
      readonly id: number;
      readonly gone: readonly number[];
      readonly refused: readonly string[];
    }
  /** Nothing was stored: no ref of the epoch counts, because these splits are older. */
  | { readonly kind: 'void'; readonly id: number; readonly splits: readonly NameSplit[] };

// -------------------------------------------------------------- sending

/** `batch` has arrays of its own, as splitBatch makes them: they are given away. */
export function toSentPart(batch: WriteBatch): SentPart {
  const sums: Float64Array<ArrayBuffer>[] = [];
  const points = batch.points.map((set) => {
    if (set.kind !== KIND.histogram) return set;
    sums.push(Float64Array.from(set.values, ({ sum }) => sum));
    return { ...set, values: set.values.map(alone) };
  });
  const { exemplars } = batch;
  const exemplarValues =
    exemplars.length === 0 ? undefined : Float64Array.from(exemplars, ({ value }) => value);
  return { batch: { ...batch, points }, sums, exemplarValues };
}

function alone(histogram: Histogram): Histogram {
  return {
    ...histogram,
    positiveBuckets: own(histogram.positiveBuckets),
    negativeBuckets: own(histogram.negativeBuckets),
    customValues: own(histogram.customValues),
  };
}

/** A clone of a view takes all of its memory along. */
function own(array: Float64Array): Float64Array {
  return array.byteLength === array.buffer.byteLength ? array : array.slice();
}

export function toSentOptions({ principal, batchId, ...rest }: AppendOptions): SentOptions {
  const { tenant, tokenId, minTUs, maxTUs } = principal;
  return { ...rest, batchId: batchId?.slice(), tenant, tokenId, minTUs, maxTUs };
}

/** Memory that a message gives away. */
export function buffersOf(message: SentMessage): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  const give = (array: ArrayBufferView | undefined): void => {
    // Made by splitBatch or by the sender, never shared.
    if (array !== undefined) buffers.add(array.buffer as ArrayBuffer);
  };
  for (const { program, bytes } of message.series) {
    give(program);
    give(bytes);
  }
  if (message.kind === 'append')
    for (const part of message.parts) {
      part?.sums.forEach(give);
      give(part?.exemplarValues);
      for (const { refs, subNs, startUs, position, values } of part?.batch.points ?? []) {
        // Rows, times and 64-bit values lie with the refs.
        [refs, subNs, startUs].forEach(give);
        if (position !== undefined)
          [position.latitude, position.longitude, position.elevation].forEach(give);
        if (ArrayBuffer.isView(values)) give(values);
      }
    }
  return [...buffers];
}

// -------------------------------------------------------------- receiving

export function fromSentOptions(sent: SentOptions): AppendOptions {
  const { tenant, tokenId, minTUs, maxTUs, ...rest } = sent;
  return { ...rest, principal: { ...openPrincipal(tenant), tokenId, minTUs, maxTUs } };
}

/** In the place of a ref: no series, because it is gone or could not be made. */
export const NO_SERIES = 2 ** 32 - 1;

/**
 * The part with refs of the shard, which are `refs` by the sender's number; undefined where one of
 * them is NO_SERIES or none.
 */
export function fromSentPart(part: SentPart, refs: Uint32Array): WriteBatch | undefined {
  const { batch, sums, exemplarValues } = part;
  const refOf = (number: SeriesRef): SeriesRef => refs[number] ?? NO_SERIES;
  let histograms = 0;
  const points: Points[] = [];
  for (const set of batch.points) {
    const known = mapped(set.refs, refs);
    if (known === undefined) return undefined;
    if (set.kind !== KIND.histogram) points.push({ ...set, refs: known });
    else {
      const sum = must(sums[histograms++], 'sums for every set of histograms');
      const values = set.values.map((one, i) => ({ ...one, sum: sum[i]! }));
      points.push({ ...set, refs: known, values });
    }
  }
  const exemplars = batch.exemplars.map((row, i): Exemplar => {
    return { ...row, ref: refOf(row.ref), value: exemplarValues![i]! };
  });
  const attributes = batch.attributes.map((row) => ({ ...row, ref: refOf(row.ref) }));
  if (exemplars.some(({ ref }) => ref === NO_SERIES)) return undefined;
  if (attributes.some(({ ref }) => ref === NO_SERIES)) return undefined;
  return { ...batch, points, exemplars, attributes };
}

function mapped(numbers: Uint32Array, refs: Uint32Array): Uint32Array | undefined {
  const { length } = numbers;
  const out = new Uint32Array(length);
  for (let i = 0; i < length; i++) {
    const ref = refs[numbers[i]!] ?? NO_SERIES;
    if (ref === NO_SERIES) return undefined;
    out[i] = ref;
  }
  return out;
}

// -------------------------------------------------------------- errors

export function toSentError(error: unknown): SentError {
  const stack = error instanceof Error ? error.stack : undefined;
  const message = errorMessage(error);
  if (!(error instanceof AppError)) return { app: undefined, message, stack };
  const { kind, code, retryable, retryAfterSec } = error;
  return { app: { kind, code, retryable, retryAfterSec }, message, stack };
}

export function fromSentError({ app, message, stack }: SentError): Error {
  if (app === undefined)
    return new BugError(`BUG: in the thread of the shards: ${message}\n${stack}`);
  const { kind, code, retryable, retryAfterSec } = app;
  const after = retryAfterSec === undefined ? {} : { retryAfterSec };
  return new AppError(kind, code, message, { retryable, ...after });
}
