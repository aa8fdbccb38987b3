// The kernel of lines over bodies larger than its window and its columns, between canaries, with a
// memory that gets full, and with dictionaries that forget. What it takes line by line is compared
// with its references in predicted-scans.fuzz.test.ts.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import * as fc from 'fast-check';
import { scanPlaintext } from '../formats/graphite/plaintext.ts';
import { scanLineProtocol } from '../formats/influx/line-protocol.ts';
import { LINES_KERNEL_MISSES_MAX, LINES_KERNEL_WINDOW_BYTES } from '../formats/limits.ts';
import { openLinesKernel, useLinesKernel } from '../formats/lines-kernel.ts';
import type { LinesKernel } from '../formats/lines-kernel.ts';
import { scanPutJson } from '../formats/opentsdb/put-json.ts';
import { scanGts } from '../formats/warp10/gts.ts';
import { BatchBuilder } from '../model/batch-builder.ts';
import type { RowDictionary, RowSink, ScanResult } from '../model/rows.ts';
import type { StorageWriter } from '../model/storage.ts';
import { must } from '../stdx/assert.ts';
import { ProfileDictionary } from './row-dictionary.ts';
import { DEFAULT_LABEL_LIMITS } from './series-admission.ts';

const wasm = readFileSync(new URL('../../dist/wasm/lines.wasm', import.meta.url));
const module = new WebAssembly.Module(wasm);
useLinesKernel(() => module);
after(() => useLinesKernel(undefined));

/** Rows that one kernel keeps. */
const ROWS_MAX = 524_288;
/** Stretches of its memory that belong to nothing. */
const GAPS: readonly (readonly [number, number])[] = [
  [1024, 65_536],
  [71_680, 131_072],
  [770_048, 786_432],
  [884_736, 917_504],
  [917_504 + LINES_KERNEL_WINDOW_BYTES + 64, 1_310_720],
  [47_448_064, 47_513_600],
];

let nextRef = 0;

function dictionaryOf(resolve: () => number): ProfileDictionary {
  const storage = { resolve, splitOf: () => undefined } as unknown as StorageWriter;
  const context = { storage, tenant: 't', forcedLabels: [], limits: DEFAULT_LABEL_LIMITS };
  return new ProfileDictionary(context, 7);
}

function kernelOf(dictionary: ProfileDictionary, body: Uint8Array): LinesKernel {
  const options = { predictor: dictionary.predictor, sink: new BatchBuilder() };
  return must(
    openLinesKernel(body, body.length, { ...options, unitUs: 0, defaultUs: 5 }),
    'kernel',
  );
}

type Scan = (body: Uint8Array, dictionary: RowDictionary, sink: RowSink) => ScanResult;

const lineProtocol: Scan = (body, dictionary, sink) =>
  scanLineProtocol(
    body,
    body.length,
    { precision: 'ns', defaultTimeUs: 0, mapping: [] },
    dictionary,
    sink,
  );

const putJson: Scan = (body, dictionary, sink) =>
  scanPutJson(body, body.length, { wantsProblems: true }, dictionary, sink);

const gts: Scan = (body, dictionary, sink) =>
  scanGts(body, body.length, { timeUnit: 'us', nowUs: 9, nowSubNs: 0 }, dictionary, sink);

function scanned(
  dictionary: ProfileDictionary,
  body: Uint8Array,
  hasKernel: boolean,
  scan = lineProtocol,
) {
  const builder = new BatchBuilder();
  if (!hasKernel) Object.defineProperty(builder, 'columns', { value: undefined });
  dictionary.begin();
  const result = scan(body, dictionary, builder);
  dictionary.release();
  const points = builder.finish().points.map((column) => ({
    kind: column.kind,
    refs: column.refs.slice(0, column.count),
    rows: column.rows?.slice(0, column.count),
    tUs: column.tUs.slice(0, column.count),
    subNs: column.subNs?.slice(0, column.count),
    values: column.values.slice(0, column.count),
  }));
  return { result, points };
}

function linesOf(count: number, step: number): Uint8Array {
  let text = '';
  for (let i = 0; i < count; i++) {
    const time = 1_700_000_000_000_000_000n + BigInt(step) * 1_000_000_001n;
    const fields = [`a=${(i * 7 + step) % 100}i`, `b=${i / 8}`, `c=${Math.sin(i + step)}`];
    if (i % 3 === 0) fields.push(`d=${i % 2 === 0}`);
    if (i % 997 === 5) fields.push('s="a string\nof two lines"');
    text += `cpu,host=host_${i},region=eu-west ${fields.join(',')} ${time}\n`;
  }
  return Buffer.from(text);
}

test('bodies larger than the window and the columns give what the reference gives', () => {
  const left = dictionaryOf(countedRefs());
  const right = dictionaryOf(countedRefs());
  for (const step of [0, 1, 2]) {
    const body = linesOf(12_000, step);
    assert.ok(body.length > 2 * LINES_KERNEL_WINDOW_BYTES);
    assert.deepEqual(scanned(left, body, true), scanned(right, body, false));
  }
});

/** An array of points, most of them written alike. */
function pointsOf(count: number, step: number): Uint8Array {
  const points = Array.from({ length: count }, (_, i) => {
    const value = i % 5 === 0 ? Math.sin(i + step) : (i * 7 + step) % 100;
    const tags = `{"host":"host_${i}","region":"eu\\u002d${i % 7}"}`;
    const all = `"metric":"m${i % 3}","timestamp":${1_700_000_000 + step},"value":${value}`;
    if (i % 997 === 5) return `{"x":[{}], ${all} ,"tags":${tags} }`;
    if (i % 1009 === 7) return `{${all.replace('"m', '"\\u006d')},"tags":${tags}}`;
    if (i % 1013 === 9) return `{${all},"tags":{"host":"${'long'.repeat(1100)}${i}"}}`;
    return `{${all},"tags":${tags}}`;
  });
  return Buffer.from(`[${points.join(step % 2 === 0 ? ',' : ' ,\n')}]`);
}

test('arrays larger than the window and the columns give what the reference gives', () => {
  const left = dictionaryOf(countedRefs());
  const right = dictionaryOf(countedRefs());
  for (const step of [0, 1, 2, 3]) {
    const body = pointsOf(10_000, step);
    assert.ok(body.length > 4 * LINES_KERNEL_WINDOW_BYTES);
    const expected = scanned(right, body, false, putJson);
    assert.equal(expected.result.pointCount, 10_000);
    assert.deepEqual(scanned(left, body, true, putJson), expected);
    const half = body.slice(0, body.length - 40_000 + step);
    assert.deepEqual(scanned(left, half, true, putJson), scanned(right, half, false, putJson));
  }
});

/** Lines of Warp 10: plain ones, stretches of tracks, texts and lines that go on. */
function gtsLinesOf(count: number, step: number): Uint8Array {
  let text = '';
  for (let i = 0; i < count; i++) {
    const time = 1_700_000_000_000_000 + step * 1_000_000;
    const place = Math.floor(i / 100) % 9 === 4 ? '48.5:-4.5/12' : '/';
    const value = [i, -i / 8, Math.sin(i + step), 'T', 'false', "'a%20text'"][
      i % 997 === 5 ? 5 : i % 5
    ]!;
    text += `${time}/${place} cpu.load{host=host_${i},region=eu-west} ${value}\n`;
    if (i % 3 === 0) text += `=${time + 1}// ${i}\n`;
    if (i % 401 === 0) text += `=${time + 2}// \n#\n${time}//\n${time + 3}// ${i}\n`;
  }
  return Buffer.from(text);
}

test('lines of Warp 10 beyond the window and the columns give what the reference gives', () => {
  const left = dictionaryOf(countedRefs());
  const right = dictionaryOf(countedRefs());
  for (const step of [0, 1, 2]) {
    const body = gtsLinesOf(12_000, step);
    assert.ok(body.length > 2 * LINES_KERNEL_WINDOW_BYTES);
    const expected = scanned(right, body, false, gts);
    assert.equal(expected.result.errorCount, 60);
    assert.deepEqual(scanned(left, body, true, gts), expected);
  }
});

/** 0, 1, 2 … in the order of the series, which is that of the lines. */
function countedRefs(): () => number {
  let count = 0;
  return () => count++;
}

test('nothing is written where nothing belongs', () => {
  const dictionary = dictionaryOf(() => nextRef++);
  const { bytes } = kernelOf(dictionary, new Uint8Array(0));
  for (const [start, end] of GAPS) bytes.fill(0xa5, start, end);
  const lineUnits = [
    'm,a=1 f=',
    ' 17',
    '17// m{a=1} ',
    '=17// ',
    ...'m, =\n\r"\\0123456789.eE+-itf'.split(''),
  ];
  const pointUnits = ['{"metric":"', '","timestamp":', ',"value":', ',"tags":{"a":"', '"}},'];
  const unit = fc.constantFrom(...lineUnits, ...pointUnits);
  fc.assert(
    fc.property(fc.array(fc.string({ unit, maxLength: 400 }), { maxLength: 4 }), (texts) => {
      for (const text of texts) {
        const body = Buffer.from(text);
        scanned(dictionary, body, true);
        const sink = new BatchBuilder();
        scanPlaintext(body, body.length, { defaultTimeUs: 0 }, dictionary, sink);
        scanned(dictionary, Buffer.from(`5// m{} 1\n${text}`), true, gts);
        const point = `{"metric":"m","timestamp":17,"value":1,"tags":{"a":"1"}}`;
        const array = Buffer.from(`[${point},${text},${point},${point}]`);
        scanned(dictionary, array, true, putJson);
      }
    }),
    { numRuns: 500 },
  );
  scanned(dictionary, linesOf(9000, 3), true);
  scanned(dictionary, pointsOf(9000, 3), true, putJson);
  scanned(dictionary, gtsLinesOf(9000, 3), true, gts);
  for (const [start, end] of GAPS)
    assert.ok(
      bytes.subarray(start, end).every((byte) => byte === 0xa5),
      `from ${start}`,
    );
});

test('a dictionary that forgot or doubts is not answered from before', () => {
  let ref = 100;
  const dictionary = dictionaryOf(() => ref);
  const body = Buffer.from('m f=1\nm f=2\n');
  const refsOf = (): number[] => {
    const { points } = scanned(dictionary, body, true);
    return Array.from(must(points[0], 'points').refs);
  };
  assert.deepEqual(
    [refsOf(), refsOf()],
    [
      [100, 100],
      [100, 100],
    ],
  );
  ref = 200;
  assert.deepEqual(refsOf(), [100, 100]);
  dictionary.clear();
  assert.deepEqual(
    [refsOf(), refsOf()],
    [
      [200, 200],
      [200, 200],
    ],
  );
  const { seedLow } = dictionary;
  dictionary.begin({ isDoubtful: true });
  assert.notEqual(dictionary.seedLow, seedLow);
  const other = dictionaryOf(() => 300);
  assert.deepEqual(
    Array.from(must(scanned(other, body, true).points[0], 'points').refs),
    [300, 300],
  );
});

test('a full memory learns nothing more until it has missed enough to forget everything', () => {
  const body = new Uint8Array(8).fill(0x61);
  const view = new DataView(body.buffer);
  const dictionary = dictionaryOf(() => 1);
  const learn = (number: number): boolean => {
    view.setUint32(0, number);
    const kernel = kernelOf(dictionary, body);
    kernel.takePaths(0);
    kernel.learnSeries(0, 8, 1);
    return !kernel.isFull;
  };
  let count = 0;
  while (count <= ROWS_MAX && learn(count)) count++;
  assert.ok(count <= ROWS_MAX, 'there is an end');
  assert.equal(learn(0), true, 'what is known stays known');
  for (let i = 0; i < LINES_KERNEL_MISSES_MAX - 1; i++) assert.equal(learn(ROWS_MAX + i), false);
  assert.equal(learn(ROWS_MAX * 2), true, 'all is forgotten');
  assert.equal(learn(ROWS_MAX * 2 + 1), true);
});

const ROW_BYTES = 40;
/** Families of rows that differ a little, as in row-table.test.ts. */
const FAMILIES: Readonly<Record<string, (row: Uint8Array, i: number) => void>> = {
  'one byte': (row, i) => {
    row[i % ROW_BYTES] = i >>> 6;
  },
  'two words in one half': (row, i) => {
    new DataView(row.buffer).setInt32(0, i << 16, true);
    new DataView(row.buffer).setInt32(16, (i >>> 8) << 24, true);
  },
  'high bits': (row, i) => {
    for (let bit = 0; bit < 16; bit++) if (((i >>> bit) & 1) === 1) row[2 * bit + 1]! |= 0x80;
  },
  'digits in two places': (row, i) => {
    row.set(Buffer.from(String(i)), 3);
    row.set(Buffer.from(String(65_535 - i)), 21);
  },
};

test('each word of the hash collides no more often than chance', () => {
  const kernel = kernelOf(
    dictionaryOf(() => 1),
    new Uint8Array(0),
  );
  for (const [name, change] of Object.entries(FAMILIES)) {
    const seen = Array.from({ length: 4 }, () => new Set<number>());
    const texts = new Set<string>();
    for (let i = 0; i < 1 << 16; i++) {
      const row = new Uint8Array(ROW_BYTES).fill(0x61);
      change(row, i);
      const text = Buffer.from(row).toString('latin1');
      if (texts.has(text)) continue;
      texts.add(text);
      for (const [k, word] of kernel.hashOf(row).entries()) seen[k]!.add(word);
    }
    for (const [k, words] of seen.entries()) {
      const collisions = texts.size - words.size;
      // As in row-table.test.ts: eight have a chance of 10^-7.
      assert.ok(collisions <= 7, `${name}: word ${k} collides ${collisions} times`);
    }
  }
});
