// One batch cut by shard. Points keep their order inside a shard and, where a batch has several
// column sets, their row numbers, so that the later of two points with one identity wins as before.
import { KIND } from '../model/columns.ts';
import type {
  Companions,
  Exemplar,
  Attribute,
  Metadata,
  NameSplit,
  Points,
  ValueColumn,
  WriteBatch,
} from '../model/columns.ts';
import type { TenantId } from '../model/tenant.ts';
import { localRef, shardOfName, shardOfRef } from './shard-of.ts';

interface Cut {
  readonly points: Points[];
  readonly metadata: Metadata[];
  readonly exemplars: Exemplar[];
  readonly attributes: Attribute[];
  readonly splits: NameSplit[];
}

/** A batch per shard, with the refs of that shard; undefined: nothing for it. O(rows). */
export function splitBatch(
  batch: WriteBatch,
  tenant: TenantId,
  shardCount: number,
): (WriteBatch | undefined)[] {
  const cuts: Cut[] = Array.from({ length: shardCount }, () => ({
    points: [],
    metadata: [],
    exemplars: [],
    attributes: [],
    splits: [],
  }));
  for (const points of batch.points)
    for (const [shard, part] of splitPoints(points, shardCount).entries())
      if (part !== undefined) cuts[shard]!.points.push(part);
  for (const row of batch.metadata)
    cuts[shardOfName(tenant, row.family, shardCount)]!.metadata.push(row);
  for (const row of batch.splits) cuts[shardOfName(tenant, row.name, shardCount)]!.splits.push(row);
  for (const row of batch.exemplars)
    cuts[shardOfRef(row.ref, shardCount)]!.exemplars.push({
      ...row,
      ref: localRef(row.ref, shardCount),
    });
  for (const row of batch.attributes)
    cuts[shardOfRef(row.ref, shardCount)]!.attributes.push({
      ...row,
      ref: localRef(row.ref, shardCount),
    });
  return cuts.map((cut) => (isEmpty(cut) ? undefined : cut));
}

export function isEmpty(batch: WriteBatch): boolean {
  const { points, metadata, exemplars, attributes, splits } = batch;
  return (
    points.length + metadata.length + exemplars.length + attributes.length + splits.length === 0
  );
}

function splitPoints(points: Points, shardCount: number): (Points | undefined)[] {
  const { count, refs } = points;
  const owners = new Uint8Array(count);
  const locals = new Uint32Array(count);
  const counts = new Uint32Array(shardCount);
  for (let i = 0; i < count; i++) {
    const ref = refs[i]!;
    const local = (ref / shardCount) >>> 0;
    const shard = ref - local * shardCount;
    locals[i] = local;
    owners[i] = shard;
    counts[shard]!++;
  }
  return Array.from(counts, (size, shard) => {
    if (size === 0) return undefined;
    const picked = new Uint32Array(size);
    let at = 0;
    for (let i = 0; i < count; i++) if (owners[i] === shard) picked[at++] = i;
    return pickPoints(points, locals, picked);
  });
}

/** Times, refs and 64-bit values lie in one memory, which changes hands more cheaply than three. */
function pickPoints(points: Points, locals: Uint32Array, picked: Uint32Array): Points {
  const size = picked.length;
  const memory = new ArrayBuffer(size * (points.rows === undefined ? 20 : 24));
  const words = new Int32Array(memory, 0, size * 2);
  return {
    ...pickValues(points, picked, words),
    ...pickCompanions(points, picked),
    count: size,
    refs: pick(locals, new Uint32Array(memory, size * 16, size), picked),
    rows: points.rows && pick(points.rows, new Uint32Array(memory, size * 20, size), picked),
    tUs: pick(points.tUs, new Float64Array(memory, size * 8, size), picked),
  };
}

type NumberColumn = Float64Array | Uint32Array | Uint16Array | Uint8Array;

function pick<T extends NumberColumn>(from: T, to: T, picked: Uint32Array): T {
  for (let i = 0; i < picked.length; i++) to[i] = from[picked[i]!]!;
  return to;
}

function pickCompanions(points: Companions, picked: Uint32Array): Companions {
  const { subNs, startUs, position } = points;
  const doubles = (column: Float64Array): Float64Array =>
    pick(column, new Float64Array(picked.length), picked);
  return {
    subNs: subNs && pick(subNs, new Uint16Array(picked.length), picked),
    startUs: startUs && doubles(startUs),
    position: position && {
      latitude: doubles(position.latitude),
      longitude: doubles(position.longitude),
      elevation: doubles(position.elevation),
    },
  };
}

/** 64-bit values move as words: a double in a register would lose the payload of a NaN. */
function pickWords(values: ArrayBufferView, picked: Uint32Array, to: Int32Array): void {
  const from = new Int32Array(values.buffer, values.byteOffset, values.byteLength / 4);
  for (let i = 0; i < picked.length; i++) {
    to[2 * i] = from[2 * picked[i]!]!;
    to[2 * i + 1] = from[2 * picked[i]! + 1]!;
  }
}

/** `words` is room for 64-bit values. */
function pickValues(column: ValueColumn, picked: Uint32Array, words: Int32Array): ValueColumn {
  const { kind } = column;
  const { buffer, byteOffset } = words;
  const { length } = picked;
  switch (kind) {
    case KIND.f64:
      pickWords(column.values, picked, words);
      return { kind, values: new Float64Array(buffer, byteOffset, length) };
    case KIND.i64:
      pickWords(column.values, picked, words);
      return { kind, values: new BigInt64Array(buffer, byteOffset, length) };
    case KIND.u64:
      pickWords(column.values, picked, words);
      return { kind, values: new BigUint64Array(buffer, byteOffset, length) };
    case KIND.boolean:
      return { kind, values: pick(column.values, new Uint8Array(length), picked) };
    case KIND.string:
      return { kind, values: Array.from(picked, (i) => column.values[i]!) };
    case KIND.histogram:
      return { kind, values: Array.from(picked, (i) => column.values[i]!) };
  }
}
