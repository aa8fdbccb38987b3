// Chunks of one series cut to blocks: neighbours of one kind are joined, so that what arrived in
// many flushes ends in few, long blocks; a chunk that fills a block stays as it is.
import { BLOCK_COUNT_MAX } from '../codec/limits.ts';
import { KIND } from '../model/columns.ts';
import type { Samples, ValueColumn } from '../model/columns.ts';
import { OBJECTS_PER_BLOCK } from './limits.ts';
import { sliceSamples } from './samples.ts';

function blockCount({ kind }: Samples): number {
  return kind === KIND.string || kind === KIND.histogram ? OBJECTS_PER_BLOCK : BLOCK_COUNT_MAX;
}

/** Can the two be one block? */
function fit(a: Samples, b: Samples): boolean {
  return (
    a.kind === b.kind &&
    (a.subNs === undefined) === (b.subNs === undefined) &&
    (a.startUs === undefined) === (b.startUs === undefined) &&
    (a.position === undefined) === (b.position === undefined)
  );
}

/** Blocks of at most BLOCK_COUNT_MAX samples out of chunks in time order; views where possible. */
export function cutToBlocks(chunks: readonly Samples[]): readonly Samples[] {
  const [first] = chunks;
  const isBlock = chunks.length === 1 && first!.count > 0 && first!.count <= blockCount(first!);
  if (isBlock) return chunks;
  const out: Samples[] = [];
  let open: Samples[] = [];
  let count = 0;
  const close = (): void => {
    if (open.length > 0) out.push(open.length === 1 ? open[0]! : joinSamples(open, count));
    open = [];
    count = 0;
  };
  for (const chunk of chunks) {
    const most = blockCount(chunk);
    if (open.length > 0 && !fit(open[0]!, chunk)) close();
    for (let from = 0; from < chunk.count;) {
      const to = Math.min(chunk.count, from + most - count);
      open.push(from === 0 && to === chunk.count ? chunk : sliceSamples(chunk, from, to));
      count += to - from;
      from = to;
      if (count === most) close();
    }
  }
  close();
  return out;
}

function joinSamples(pieces: readonly Samples[], count: number): Samples {
  const doubles = (of: (samples: Samples) => Float64Array): Float64Array => {
    const out = new Float64Array(count);
    let at = 0;
    for (const piece of pieces) {
      out.set(of(piece), at);
      at += piece.count;
    }
    return out;
  };
  const { subNs, startUs, position } = pieces[0]!;
  return {
    ...joinValues(pieces, count),
    count,
    tUs: doubles((s) => s.tUs),
    subNs: subNs && joinSubNs(pieces, count),
    startUs: startUs && doubles((s) => s.startUs!),
    position: position && {
      latitude: doubles((s) => s.position!.latitude),
      longitude: doubles((s) => s.position!.longitude),
      elevation: doubles((s) => s.position!.elevation),
    },
  };
}

function joinSubNs(pieces: readonly Samples[], count: number): Uint16Array {
  const out = new Uint16Array(count);
  let at = 0;
  for (const piece of pieces) {
    out.set(piece.subNs!, at);
    at += piece.count;
  }
  return out;
}

function joinValues(pieces: readonly Samples[], count: number): ValueColumn {
  const { kind } = pieces[0]!;
  if (kind === KIND.string || kind === KIND.histogram)
    return { kind, values: pieces.flatMap((piece) => piece.values as readonly unknown[]) } as never;
  const width = kind === KIND.boolean ? 1 : 8;
  // As bytes: a copy by elements need not keep the payload of a NaN.
  const bytes = new Uint8Array(count * width);
  let at = 0;
  for (const piece of pieces) {
    const { buffer, byteOffset } = piece.values as Float64Array;
    bytes.set(new Uint8Array(buffer, byteOffset, piece.count * width), at);
    at += piece.count * width;
  }
  switch (kind) {
    case KIND.f64:
      return { kind, values: new Float64Array(bytes.buffer) };
    case KIND.i64:
      return { kind, values: new BigInt64Array(bytes.buffer) };
    case KIND.u64:
      return { kind, values: new BigUint64Array(bytes.buffer) };
    case KIND.boolean:
      return { kind, values: bytes };
  }
}
