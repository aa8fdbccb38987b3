// Parts: whatever is written comes back, by every selector; a flipped bit anywhere is found, or
// harmless; a truncated part is refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Samples } from '../model/columns.ts';
import { AppError } from '../model/errors.ts';
import { compareLabels, compareUtf8, labelsFromObject, labelsKey } from '../model/labels.ts';
import type { Labels } from '../model/labels.ts';
import { matcher, matchesAll } from '../model/matcher.ts';
import type { Matcher } from '../model/matcher.ts';
import { randomInt, seededPrng } from '../stdx/prng.ts';
import { openPart, writePart } from '../../test/support/memory-part.ts';
import { openPartCursor } from './part-cursor.ts';
import type { SeriesContent } from './part-format.ts';
import type { Part } from './part-reader.ts';
import { resolveSources } from './samples.ts';
import type { TimeRange } from './samples.ts';
import type { Scan } from './scan.ts';
import { SeriesIndex } from './series-index.ts';

const EVER: TimeRange = { startUs: -Infinity, endUs: Infinity };
const NONE = { subNs: undefined, startUs: undefined, position: undefined };
const index = new SeriesIndex(seededPrng(1).u32());

/** Everything a selector gives, as text that shows each bit. */
async function read(
  part: Part,
  tenant: string,
  matchers: readonly Matcher[],
  range = EVER,
): Promise<string[]> {
  const view = { parts: [part], generations: [], deletes: [] };
  const check = (): void => undefined;
  const yieldTurn = async (): Promise<void> => undefined;
  const scan: Scan = { tenant, matchers, range, view, moment: 0, index, check, yieldTurn };
  const cursor = await openPartCursor(part, scan, 0);
  const out: string[] = [];
  if (cursor === undefined) return out;
  for (;;) {
    if (cursor.needsLoad) await cursor.load();
    if (cursor.row === undefined) return out;
    const sources = await cursor.row.sources();
    assert.equal(await cursor.row.exists(), sources.length > 0);
    if (cursor.row.surely() === true) assert.ok(sources.length > 0);
    out.push(...(sources.length === 0 ? [] : [shown(cursor.row.labels, resolveSources(sources))]));
    cursor.advance();
  }
}

function shown(labels: Labels, chunks: readonly Samples[]): string {
  const rows = chunks.flatMap((chunk) =>
    Array.from({ length: chunk.count }, (_, i) => {
      const value = chunk.values[i];
      const text =
        typeof value === 'number'
          ? Buffer.from(Float64Array.of(value).buffer).toString('hex')
          : (value as string | bigint).toString();
      return `${chunk.kind} ${chunk.tUs[i]} ${chunk.subNs?.[i] ?? 0} ${text}`;
    }),
  );
  return `${labelsKey(labels)}: ${rows.join(', ')}`;
}

function clamped(chunks: readonly Samples[], { startUs, endUs }: TimeRange): Samples[] {
  return chunks.flatMap((chunk) => {
    const kept = Array.from({ length: chunk.count }, (_, i) => i).filter(
      (i) => chunk.tUs[i]! >= startUs && chunk.tUs[i]! <= endUs,
    );
    const pick = (of: ArrayLike<unknown>): unknown[] => kept.map((i) => of[i]);
    if (kept.length === 0) return [];
    return {
      ...chunk,
      count: kept.length,
      tUs: Float64Array.from(pick(chunk.tUs) as number[]),
      subNs: chunk.subNs && Uint16Array.from(pick(chunk.subNs) as number[]),
      values: pick(chunk.values),
    } as Samples;
  });
}

// ---------------------------------------------------------------- content

const text = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('a', 'ab', 'abc', 'b', 'ä', '😀', 'zzz') },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 }) },
);
const labels = fc
  .dictionary(fc.constantFrom('__name__', 'a', 'job', 'le', 'Z'), text, {
    noNullPrototype: true,
    minKeys: 1,
  })
  .map((object) => labelsFromObject(object));
/** Few distinct columns, so that series share them. */
const times = fc
  .tuple(
    fc.constantFrom(0, 1e9, 1.7e15, -5e14),
    fc.constantFrom(0, 1, 3),
    fc.integer({ min: 1, max: 40 }),
  )
  .map(([startUs, jitter, count]) =>
    Float64Array.from({ length: count }, (_, i) => startUs + i * 10 + ((i * 7) % 4) * jitter),
  );
const chunk: fc.Arbitrary<Samples> = fc
  .tuple(times, fc.nat(3), fc.nat(1e6), fc.boolean())
  .map(([tUs, form, seed, hasSubNs]) => {
    const count = tUs.length;
    const numbers = Array.from({ length: count }, (_, i) => (seed + i * (seed % 5)) / 10 ** form);
    const subNs = hasSubNs ? Uint16Array.from(numbers, (x) => Math.floor(x) % 1000) : undefined;
    const rest = { ...NONE, count, tUs, subNs };
    if (form === 3) return { kind: 4, values: numbers.map(String), ...rest };
    if (form === 2)
      return {
        kind: 1,
        values: BigInt64Array.from(numbers, (x) => BigInt(Math.floor(x))),
        ...rest,
      };
    return { kind: 0, values: Float64Array.from(numbers), ...rest };
  });
const tenant = fc
  .uniqueArray(fc.tuple(labels, chunk), { selector: ([one]) => labelsKey(one), maxLength: 30 })
  .map((list) =>
    list
      .map(([series, one]): SeriesContent => ({ series, chunks: [one] }))
      .toSorted((a, b) => compareLabels(a.series as Labels, b.series as Labels)),
  );
const content = fc
  .dictionary(fc.constantFrom('default', 't1', 't2'), tenant, { noNullPrototype: true, minKeys: 1 })
  .map((object) => new Map(Object.entries(object).toSorted(([a], [b]) => compareUtf8(a, b))));
const selector = fc.array(
  fc
    .tuple(
      fc.constantFrom('__name__', 'a', 'job', 'le', 'Z', 'absent'),
      fc.constantFrom('=' as const, '!=' as const, '=~' as const, '!~' as const),
      fc.oneof(
        fc.constantFrom('', '.*', '.+', 'a|b', 'a.*', 'ab?c?', '|a', '(a|zz.)', '.*c', 'zzz'),
        fc.constant('a'),
      ),
    )
    .map(([name, type, value]) => matcher(name, type, value)),
  { maxLength: 3 },
);
const range = fc.constantFrom(
  EVER,
  { startUs: 1e9 + 15, endUs: 1e9 + 155 },
  { startUs: 1e9 + 12, endUs: 1e9 + 18 },
  { startUs: 0, endUs: 1.7e15 },
);

test('every series comes back by every selector and range, and no other', async () => {
  await fc.assert(
    fc.asyncProperty(content, selector, range, async (tenants, matchers, wanted) => {
      const part = openPart(await writePart(tenants));
      assert.deepEqual(
        (await part.tenants()).map((one) => one.tenant),
        [...tenants.keys()],
      );
      for (const [name, series] of tenants) {
        const expected = series
          .filter((one) => matchesAll(matchers, one.series as Labels))
          .map((one) => ({ ...one, chunks: clamped(one.chunks, wanted) }))
          .filter(({ chunks }) => chunks.length > 0)
          .map((one) => shown(one.series as Labels, one.chunks));
        assert.deepEqual(await read(part, name, matchers, wanted), expected);
      }
      assert.deepEqual(await read(part, 'nobody', matchers), []);
    }),
    { numRuns: 120 },
  );
});

/** Many series of few values: long postings, many row groups. */
function manySeries(count: number): Map<string, SeriesContent[]> {
  const tUs = Float64Array.from({ length: 3 }, (_, i) => i * 10);
  const digits = (i: number): string => String(i).padStart(5, '0');
  const series = Array.from({ length: count }, (_, i): SeriesContent => {
    const object = { __name__: `n${i % 3}`, id: digits(i), half: i % 2 === 0 ? 'even' : 'odd' };
    const values = Float64Array.of(i, i, i + 1);
    const own = i % 700 === 0 ? tUs.map((t) => t + i + ((t * t) % 7)) : tUs;
    return {
      series: labelsFromObject(object),
      chunks: [{ kind: 0, count: 3, tUs: own, values, ...NONE }],
    };
  });
  return new Map([
    ['default', series.toSorted((a, b) => compareLabels(a.series as Labels, b.series as Labels))],
  ]);
}

/** Classic histograms: families of two jobs, whose counters agree but for some noise. */
function histograms(name: string, bounds: readonly string[], methods: number): SeriesContent[] {
  const prng = seededPrng(5);
  const count = 200;
  const tUs = Float64Array.from({ length: count }, (_, i) => i * 15e6);
  const series: SeriesContent[] = [];
  for (const job of ['a', 'b'])
    for (let method = 0; method < methods; method++) {
      const columns = bounds.map(() => new Float64Array(count));
      const counts = bounds.map(() => 1000);
      for (let i = 0; i < count; i++) {
        let below = 0;
        for (let b = 0; b < bounds.length; b++)
          columns[b]![i] =
            counts[b]! +=
            below +=
              b === 0 ? randomInt(prng, 500) : randomInt(prng, 3);
      }
      for (const [b, bound] of bounds.entries()) {
        const labelSet = labelsFromObject({
          __name__: 'h',
          job,
          [name]: bound,
          method: `m${method}`,
        });
        const values = columns[b]!;
        series.push({ series: labelSet, chunks: [{ kind: 0, count, tUs, values, ...NONE }] });
      }
    }
  return series.toSorted((x, y) => compareLabels(x.series as Labels, y.series as Labels));
}

test('buckets are written beside their neighbours, and any of them comes back alone', async () => {
  // More than a chain may be long, in an order that is not that of the texts.
  const bounds = [...Array.from({ length: 40 }, (_, i) => String((i + 1) * 0.5)), '+Inf'];
  const series = histograms('le', bounds, 3);
  const written = await writePart(new Map([['default', series]]));
  const plain = await writePart(new Map([['default', histograms('bound', bounds, 3)]]));
  assert.ok(written.bytes.length < plain.bytes.length * 0.6, `${written.bytes.length}`);
  for (const matchers of [
    [],
    ...bounds.map((bound) => [matcher('le', '=', bound)]),
    [matcher('method', '=', 'm1'), matcher('le', '=~', '1.*')],
  ]) {
    const expected = series
      .filter((one) => matchesAll(matchers, one.series as Labels))
      .map((one) => shown(one.series as Labels, one.chunks));
    assert.deepEqual(await read(openPart(written), 'default', matchers), expected);
  }
});

test('thousands of series: short and long lists, tables of many groups', async () => {
  const tenants = manySeries(3000);
  const part = openPart(await writePart(tenants));
  const all = tenants.get('default')!;
  for (const matchers of [
    [matcher('id', '=', '01234')],
    [matcher('id', '=~', '012.*')],
    [matcher('half', '=', 'even'), matcher('id', '=~', '0.5.1|01002')],
    [matcher('half', '!=', 'even'), matcher('__name__', '=', 'n1')],
    [matcher('id', '!~', '0[0-2].*')],
    [matcher('id', '=', 'nobody')],
    [matcher('half', '=~', 'odd|even')],
  ]) {
    const expected = all
      .filter((one) => matchesAll(matchers, one.series as Labels))
      .map((one) => shown(one.series as Labels, one.chunks));
    assert.deepEqual(await read(part, 'default', matchers), expected);
  }
});

test('names of a selection are in byte order, whichever row group has them first', async () => {
  const sample = { kind: 0 as const, count: 1, tUs: Float64Array.of(1), ...NONE };
  const series = Array.from({ length: 900 }, (_, i): SeriesContent => {
    const own = i < 450 ? { __name__: 'a', zone: 'z' } : { __name__: 'b', area: 'a' };
    const labelSet = labelsFromObject({ ...own, id: String(i).padStart(4, '0') });
    return { series: labelSet, chunks: [{ ...sample, values: Float64Array.of(i) }] };
  });
  const inOrder = series.toSorted((a, b) => compareLabels(a.series as Labels, b.series as Labels));
  const part = openPart(await writePart(new Map([['default', inOrder]])));
  const partIndex = (await part.index('default'))!;
  const turn = async (): Promise<void> => undefined;
  const names = await partIndex.namesOf([matcher('id', '!=', '0000')], turn);
  assert.deepEqual(names, ['__name__', 'area', 'id', 'zone']);
});

test('a question about one series of many reads a small part of the index', async () => {
  const written = await writePart(manySeries(20_000));
  let bytesRead = 0;
  const part = openPart(written);
  const plainRead = part.read.bind(part);
  part.read = (offset, length) => {
    bytesRead += length;
    return plainRead(offset, length);
  };
  assert.equal((await read(part, 'default', [matcher('id', '=', '01234')])).length, 1);
  const [one] = await part.tenants();
  const { offset, sizeBytes } = one!.sections.index;
  const indexSize = offset + sizeBytes - one!.dataOffset - one!.dataSizeBytes;
  assert.ok(bytesRead * 8 < indexSize, `${bytesRead} bytes of ${indexSize}`);
});

const damaged = new Map([
  ['default', manySeries(5).get('default')!],
  ['other', histograms('le', ['1', '2', '5', '+Inf'], 1)],
]);

async function readAll(part: Part): Promise<string[]> {
  const out: string[] = [];
  for (const { tenant: name } of await part.tenants()) {
    out.push(name, JSON.stringify(await part.metadata(name)));
    for (const [label, value] of [
      ['none', ''],
      ['half', 'odd'],
      ['id', '0000[13]'],
      ['__name__', 'n1'],
      ['job', 'b'],
      ['le', '2|5'],
      ['method', '.*1'],
    ] as const)
      out.push(...(await read(part, name, [matcher(label, '=~', value)])));
  }
  return out;
}

test('every flipped bit is found or changes nothing', async () => {
  const written = await writePart(damaged);
  const expected = await readAll(openPart(written));
  let harmless = 0;
  // One bit of every byte: a checksum does not care which.
  for (let byte = 0; byte < written.bytes.length; byte++) {
    const bit = byte * 8 + ((byte * 5) & 7);
    written.bytes[bit >> 3]! ^= 1 << (bit & 7);
    try {
      assert.deepEqual(await readAll(openPart(written)), expected);
      harmless++;
    } catch (error) {
      assert.ok(
        error instanceof AppError && error.kind === 'corrupt',
        `bit ${bit}: ${String(error)}`,
      );
    }
    written.bytes[bit >> 3]! ^= 1 << (bit & 7);
  }
  // The head, and the lists of two values that all series have: readers do not look at those.
  assert.ok(harmless <= 16 + 6, `${harmless} of ${written.bytes.length} bytes are not covered`);
});

test('a truncated part is refused wherever it ends', async () => {
  const written = await writePart(damaged);
  for (let length = 0; length < written.bytes.length; length += 7) {
    // Length 0: the file is gone.
    const cut = { ...written, bytes: written.bytes.subarray(0, length) };
    await assert.rejects(readAll(openPart(cut)), { kind: 'corrupt' });
    const shorter = { bytes: cut.bytes, row: { ...written.row, sizeBytes: length } };
    await assert.rejects(readAll(openPart(shorter)), { kind: 'corrupt' });
  }
});

test('a newer version is refused with a sentence', async () => {
  const written = await writePart(damaged);
  written.bytes[written.bytes.length - 64 + 8] = 3;
  await assert.rejects(readAll(openPart(written)), /version 3 of the part format.*reads version 2/);
});
