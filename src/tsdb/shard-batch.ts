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
  const counts = new Uint32Array(shardCount);
  for (let i = 0; i < count; i++) counts[refs[i]! % shardCount]!++;
  return Array.from(counts, (size, shard) => {
    if (size === 0) return undefined;
    const picked = new Uint32Array(size);
    const local = new Uint32Array(size);
    let at = 0;
    for (let i = 0; i < count; i++) {
      const ref = refs[i]!;
      if (ref % shardCount !== shard) continue;
      picked[at] = i;
      local[at++] = (ref - shard) / shardCount;
    }
    return {
      ...pickValues(points, picked),
      ...pickCompanions(points, picked),
      count: size,
      refs: local,
      rows: points.rows && pick(points.rows, new Uint32Array(size), picked),
      tUs: pick(points.tUs, new Float64Array(size), picked),
    };
  });
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
function pickWords(values: ArrayBufferView, picked: Uint32Array): ArrayBuffer {
  const from = new Int32Array(values.buffer, values.byteOffset, values.byteLength / 4);
  const to = new Int32Array(picked.length * 2);
  for (let i = 0; i < picked.length; i++) {
    to[2 * i] = from[2 * picked[i]!]!;
    to[2 * i + 1] = from[2 * picked[i]! + 1]!;
  }
  return to.buffer;
}

function pickValues(column: ValueColumn, picked: Uint32Array): ValueColumn {
  switch (column.kind) {
    case KIND.f64:
      return { kind: column.kind, values: new Float64Array(pickWords(column.values, picked)) };
    case KIND.i64:
      return { kind: column.kind, values: new BigInt64Array(pickWords(column.values, picked)) };
    case KIND.u64:
      return { kind: column.kind, values: new BigUint64Array(pickWords(column.values, picked)) };
    case KIND.boolean:
      return {
        kind: column.kind,
        values: pick(column.values, new Uint8Array(picked.length), picked),
      };
    case KIND.string:
      return { kind: column.kind, values: Array.from(picked, (i) => column.values[i]!) };
    case KIND.histogram:
      return { kind: column.kind, values: Array.from(picked, (i) => column.values[i]!) };
  }
}
