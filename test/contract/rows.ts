// Points as plain rows, so that a test can say what it writes and compare what it reads. Doubles
// are 64-bit patterns on both sides: NaN payloads and -0 count.
import assert from 'node:assert/strict';
import { decodeBody } from '../../src/codec/block.ts';
import { BatchBuilder } from '../../src/model/batch-builder.ts';
import { ALL_KINDS, KIND } from '../../src/model/columns.ts';
import type { Kind, KindMask, Samples } from '../../src/model/columns.ts';
import type { Histogram } from '../../src/model/histogram.ts';
import { compareLabels, labelsFromObject } from '../../src/model/labels.ts';
import type { Labels } from '../../src/model/labels.ts';
import type { Matcher } from '../../src/model/matcher.ts';
import type {
  AppendOptions,
  AppendResult,
  EncodedSamples,
  ReadContext,
  SelectRequest,
  Storage,
} from '../../src/model/storage.ts';
import { appendOptions, withContext } from './contexts.ts';

export interface Row {
  readonly series: Readonly<Record<string, string>>;
  readonly tUs: number;
  readonly subNs?: number;
  readonly kind: Kind;
  /** f64, i64, u64: the 64 bits. boolean: 0 or 1. */
  readonly value: bigint | number | string | Histogram;
  readonly startUs?: number;
  /** Latitude, longitude, elevation (NaN = none). */
  readonly position?: readonly [number, number, number];
}

const scratch = new DataView(new ArrayBuffer(8));

export function f64Bits(value: number): bigint {
  scratch.setFloat64(0, value);
  return scratch.getBigUint64(0);
}

/** A double sample. */
export function point(
  series: Readonly<Record<string, string>> | string,
  tUs: number,
  value: number,
): Row {
  const labels = typeof series === 'string' ? { __name__: series } : series;
  return { series: labels, tUs, kind: KIND.f64, value: f64Bits(value) };
}

function addRow(builder: BatchBuilder, ref: number, row: Row): void {
  const subNs = row.subNs ?? 0;
  if (typeof row.value === 'bigint') {
    const bits = BigInt.asUintN(64, row.value);
    const low = Number(bits & 0xffffffffn) | 0;
    const high = Number(bits >> 32n) | 0;
    if (row.kind === KIND.f64) builder.f64Bits(ref, row.tUs, subNs, low, high);
    else if (row.kind === KIND.i64) builder.i64(ref, row.tUs, subNs, low, high);
    else builder.u64(ref, row.tUs, subNs, low, high);
  } else if (typeof row.value === 'number') builder.boolean(ref, row.tUs, subNs, row.value === 1);
  else if (typeof row.value === 'string') builder.string(ref, row.tUs, subNs, row.value);
  else builder.histogram(ref, row.tUs, subNs, row.value);
  if (row.startUs !== undefined) builder.startOfLast(row.kind, row.startUs);
  if (row.position !== undefined) builder.positionOfLast(row.kind, ...row.position);
}

/** Appends rows as one batch; `more` may add metadata, exemplars, attributes and splits. */
export function writeRows(
  storage: Storage,
  rows: readonly Row[],
  options: Partial<AppendOptions> = {},
  more: (builder: BatchBuilder, ref: (labels: Row['series']) => number) => void = () => undefined,
): Promise<AppendResult> {
  const all = appendOptions(options);
  const builder = new BatchBuilder();
  const ref = (labels: Row['series']): number =>
    storage.resolve(all.principal.tenant, labelsFromObject(labels));
  for (const row of rows) addRow(builder, ref(row.series), row);
  more(builder, ref);
  return storage.append(builder.finish(), all);
}

export interface ReadRow {
  readonly series: string;
  readonly tUs: number;
  readonly subNs: number;
  readonly kind: Kind;
  readonly value: bigint | number | string | Histogram;
  readonly startUs: number | undefined;
  readonly position: readonly number[] | undefined;
}

/** `name="value",…` in label order. */
export function seriesText(labels: Labels): string {
  return labels
    .filter((_, i) => i % 2 === 0)
    .map((name, i) => `${name}=${JSON.stringify(labels[i * 2 + 1])}`)
    .join(',');
}

/** What a written row must read back as. */
export function asRead(row: Row): ReadRow {
  return {
    series: seriesText(labelsFromObject(row.series)),
    tUs: row.tUs,
    subNs: row.subNs ?? 0,
    kind: row.kind,
    value: typeof row.value === 'bigint' ? BigInt.asUintN(64, row.value) : row.value,
    startUs: row.startUs,
    position: row.position,
  };
}

function valueAt(samples: Samples, i: number): ReadRow['value'] {
  if (samples.kind === KIND.boolean || samples.kind === KIND.string) return samples.values[i]!;
  if (samples.kind === KIND.histogram) return samples.values[i]!;
  const { buffer, byteOffset } = samples.values;
  return new DataView(buffer).getBigUint64(byteOffset + i * 8, true);
}

function addChunk(out: ReadRow[], series: string, samples: Samples): void {
  assert.ok(samples.count > 0, 'a chunk is not empty');
  for (let i = 0; i < samples.count; i++) {
    const startUs = samples.startUs?.[i] ?? Number.NaN;
    const latitude = samples.position?.latitude[i] ?? Number.NaN;
    const { longitude, elevation } = samples.position ?? {};
    out.push({
      series,
      tUs: samples.tUs[i]!,
      subNs: samples.subNs?.[i] ?? 0,
      kind: samples.kind,
      value: valueAt(samples, i),
      startUs: Number.isNaN(startUs) ? undefined : startUs,
      position: Number.isNaN(latitude) ? undefined : [latitude, longitude![i]!, elevation![i]!],
    });
  }
}

export interface ReadOptions {
  readonly matchers?: readonly Matcher[];
  readonly startUs?: number;
  readonly endUs?: number;
  readonly kinds?: KindMask;
}

/** Selects with a given context; checks order of series, of points and that no chunk is empty. */
export async function readRowsIn(
  storage: Storage,
  context: ReadContext,
  options: ReadOptions = {},
): Promise<ReadRow[]> {
  const out: ReadRow[] = [];
  let previous: Labels | undefined;
  const request = {
    matchers: options.matchers ?? [],
    startUs: options.startUs ?? Number.NEGATIVE_INFINITY,
    endUs: options.endUs ?? Number.POSITIVE_INFINITY,
    kinds: options.kinds ?? ALL_KINDS,
  };
  for await (const { labels, chunks } of storage.select(context, request)) {
    if (previous !== undefined) assert.ok(compareLabels(previous, labels) < 0, 'series are sorted');
    previous = labels;
    assert.ok(chunks.length > 0, 'a series has at least one chunk');
    const rows: ReadRow[] = [];
    for (const chunk of chunks) addChunk(rows, seriesText(labels), chunk);
    for (let i = 1; i < rows.length; i++) {
      const [a, b] = [rows[i - 1]!, rows[i]!];
      assert.ok(a.tUs < b.tUs || (a.tUs === b.tUs && a.subNs < b.subNs), 'points are in order');
    }
    out.push(...rows);
  }
  assert.deepEqual(await readBlocks(storage, context, request), out, 'blocks hold the same');
  return out;
}

/** The same through `selectBlocks`: blocks decoded, what lies outside of the range left out. */
async function readBlocks(
  storage: Storage,
  context: ReadContext,
  request: SelectRequest,
): Promise<ReadRow[]> {
  const out: ReadRow[] = [];
  for await (const { labels, chunks } of storage.selectBlocks(context, request))
    for (const chunk of chunks) {
      const rows: ReadRow[] = [];
      addChunk(rows, seriesText(labels), 'block' in chunk ? decoded(chunk) : chunk);
      out.push(...rows.filter(({ tUs }) => tUs >= request.startUs && tUs <= request.endUs));
    }
  return out;
}

function decoded({ kind, tUs, block }: EncodedSamples): Samples {
  const place = { start: 0, sizeBytes: block.length, kind, count: tUs.length };
  return decodeBody(block, place, tUs);
}

export function readRows(
  storage: Storage,
  options: ReadOptions & { readonly principal?: AppendOptions['principal'] } = {},
): Promise<ReadRow[]> {
  return withContext(
    storage,
    (context) => readRowsIn(storage, context, options),
    options.principal,
  );
}

function byKey(a: ReadRow, b: ReadRow): number {
  if (a.series !== b.series) return a.series < b.series ? -1 : 1;
  return a.tUs - b.tUs || a.subNs - b.subNs;
}

/** The whole content equals these rows (order does not matter). */
export async function checkRows(
  storage: Storage,
  expected: readonly Row[],
  options: Parameters<typeof readRows>[1] = {},
): Promise<void> {
  const actual = await readRows(storage, options);
  assert.deepEqual(actual.toSorted(byKey), expected.map(asRead).toSorted(byKey));
}
