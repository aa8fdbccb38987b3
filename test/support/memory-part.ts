// A part written to memory and opened from there.
import type { BlobRange, Blobs } from '../../src/blobs/blobs.ts';
import { AppError } from '../../src/model/errors.ts';
import { seededPrng } from '../../src/stdx/prng.ts';
import { ColumnCache } from '../../src/tsdb/column-cache.ts';
import { ExtentCache, SectionCache } from '../../src/tsdb/part-cache.ts';
import type { PartRow, SeriesContent, TenantContent } from '../../src/tsdb/part-format.ts';
import { Part } from '../../src/tsdb/part-reader.ts';
import { PartWriter } from '../../src/tsdb/part-writer.ts';
import { SeriesIndex } from '../../src/tsdb/series-index.ts';

export interface Written {
  readonly bytes: Uint8Array;
  readonly row: PartRow;
}

/** Tenants in byte order, series in label order. */
export async function writePart(
  tenants: ReadonlyMap<string, readonly SeriesContent[]>,
): Promise<Written> {
  const writer = new PartWriter(async () => undefined, new SeriesIndex(seededPrng(1).u32()));
  const contents: TenantContent[] = [...tenants].map(([tenant, series]) => ({
    tenant,
    series: (async function* () {
      yield series;
    })(),
    exemplars: [],
    attributes: [],
    metadata: [{ family: 'a', type: 'gauge', unit: '', help: tenant }],
  }));
  const pieces: Uint8Array[] = [];
  for await (const piece of writer.stream(contents, { level: 1, seqMin: 5, seqMax: 9 }))
    pieces.push(piece.slice());
  const bytes = Buffer.concat(pieces);
  const place = { name: 'p', level: 1, partitionUs: 0, seqMin: 5, seqMax: 9, deletesEnd: 9 };
  return { bytes, row: { ...place, sizeBytes: bytes.length, ...writer.totals } };
}

export function openPart({ bytes, row }: Written): Part {
  const blobs = {
    get: async (name: string, { offset, length }: BlobRange, into?: Uint8Array) => {
      if (bytes.length === 0) throw new AppError('notFound', 'no-blob', `there is no blob ${name}`);
      if (offset + length > bytes.length || offset < 0)
        throw new AppError('corrupt', 'short-blob', 'the blob ends early');
      const out = into ?? new Uint8Array(length);
      out.set(bytes.subarray(offset, offset + length));
      return out;
    },
  } as unknown as Blobs;
  const caches = {
    cache: new SectionCache(1e6),
    extents: new ExtentCache(1e6),
    columns: new ColumnCache(0),
  };
  return new Part(row, { blobs, ...caches, skipCrc: false, onCorrupt: () => undefined });
}
