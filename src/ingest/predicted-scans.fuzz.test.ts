// Scans with predictions and label bytes, and scans that are cut short and begin again, against
// scans with none of it: whatever a dictionary has learned from the bodies before, a body gives the
// same points, errors and counts. Bodies repeat,
// lose, swap and damage pieces of each other, are cut at every byte, and lie in front of bytes that
// nobody may look at.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import * as fc from 'fast-check';
import { decodedLabels } from '../../test/support/label-bytes.ts';
import { bytesField, doubleField, varintField } from '../../test/support/protobuf-writer.ts';
import { withCanary } from '../../test/support/row-recorder.ts';
import { contentOf, scanInTurns } from '../../test/support/scan-in-turns.ts';
import { scanPlaintext } from '../formats/graphite/plaintext.ts';
import { scanLineProtocol } from '../formats/influx/line-protocol.ts';
import { useLinesKernel } from '../formats/lines-kernel.ts';
import { scanPutJson } from '../formats/opentsdb/put-json.ts';
import { scanPutLines } from '../formats/opentsdb/put-lines.ts';
import { scanPrometheusText } from '../formats/prometheus-text/exposition.ts';
import { scanRequestV2 } from '../formats/remote-write/request-v2.ts';
import { useWriteKernel } from '../formats/remote-write/write-kernel.ts';
import { scanWriteRequest } from '../formats/remote-write/write-request.ts';
import { scanGts } from '../formats/warp10/gts.ts';
import { BatchBuilder } from '../model/batch-builder.ts';
import type { LabelBytes } from '../model/label-bytes.ts';
import type { RowDictionary, RowSink, ScanResult } from '../model/rows.ts';
import type { StorageWriter } from '../model/storage.ts';
import { REF_REFUSED } from '../model/storage.ts';
import { ProfileDictionary } from './row-dictionary.ts';
import { DEFAULT_LABEL_LIMITS } from './series-admission.ts';

const symbolTable = (texts: readonly string[]): number[] =>
  texts.flatMap((text) => bytesField(4, text));
const TABLES = [
  symbolTable(['', '__name__', 'm', 'a', '1', 'refused', 'help']),
  symbolTable(['', '__name__', 'n', 'b', '2', 'refused', 'more']),
];
const ARRAY_END = new TextEncoder().encode('null]');
const CANARY = new Uint8Array(16).fill(0x37);
const WASM = join(import.meta.dirname, '../../dist/wasm/remote-write.wasm');

type Scan = (body: Uint8Array, end: number, dictionary: RowDictionary, sink: RowSink) => ScanResult;

const SCANS = {
  lineProtocol: (body, end, dictionary, sink) =>
    scanLineProtocol(
      body,
      end,
      { precision: 'ns', defaultTimeUs: 7, mapping: [] },
      dictionary,
      sink,
    ),
  guessedTimes: (body, end, dictionary, sink) =>
    scanLineProtocol(
      body,
      end,
      { precision: 'auto', defaultTimeUs: 7, mapping: [] },
      dictionary,
      sink,
    ),
  exposition: (body, end, dictionary, sink) =>
    scanPrometheusText(
      body,
      end,
      { defaultTimeUs: 7, mode: 'import', extraLabels: [] },
      dictionary,
      sink,
    ),
  graphite: (body, end, dictionary, sink) =>
    scanPlaintext(body, end, { defaultTimeUs: 7 }, dictionary, sink),
  gts: (body, end, dictionary, sink) =>
    scanGts(body, end, { timeUnit: 'us', nowUs: 7, nowSubNs: 5 }, dictionary, sink),
  gtsOfNanoseconds: (body, end, dictionary, sink) =>
    scanGts(body, end, { timeUnit: 'ns', nowUs: 7, nowSubNs: 5 }, dictionary, sink),
  putLines: (body, end, dictionary, sink) => scanPutLines(body, [0, end], dictionary, sink),
  // Points with a comma behind each, in an array that ends with something that is none.
  putJson: (points, end, dictionary, sink) => {
    const body = Uint8Array.from([91, ...points.subarray(0, end), ...ARRAY_END, ...CANARY]);
    const size = 1 + end + ARRAY_END.length;
    return scanPutJson(body, size, { wantsProblems: true }, dictionary, sink);
  },
  remoteWrite: scanWriteRequest,
  // With the kernel, see `byKernel`.
  remoteWriteByKernel: scanWriteRequest,
  // In front of the series stands one of two tables, so that some bodies repeat it.
  remoteWrite2: (series, end, dictionary, sink) => {
    const table = TABLES[end & 1]!;
    const body = Uint8Array.from([...table, ...series.subarray(0, end), ...CANARY]);
    return scanRequestV2(body, table.length + end, dictionary, sink);
  },
} satisfies Record<string, Scan>;

/** One scanner over one storage, with and without predictions, in one turn and in several. */
class Pair {
  readonly #scan: Scan;
  readonly #predicting: ProfileDictionary;
  readonly #compiled: ProfileDictionary;
  readonly #plain: ProfileDictionary;
  readonly #inTurns: ProfileDictionary;
  #cutCount = 0;

  constructor(scan: Scan) {
    this.#scan = scan;
    const refs = new Map<string, number>();
    const resolve = (_tenant: string, labels: readonly string[]): number => {
      const key = JSON.stringify(labels);
      if (key.includes('refused')) return REF_REFUSED;
      const ref = refs.get(key) ?? refs.size;
      refs.set(key, ref);
      return ref;
    };
    const resolveBytes = (tenant: string, labels: LabelBytes): number =>
      resolve(tenant, decodedLabels(labels));
    const storage = {
      resolve,
      resolveBytes,
      splitOf: () => undefined,
    } as unknown as StorageWriter;
    const context = { storage, tenant: 't', forcedLabels: [], limits: DEFAULT_LABEL_LIMITS };
    this.#predicting = new ProfileDictionary(context, 42);
    this.#compiled = new ProfileDictionary(context, 44);
    this.#plain = new ProfileDictionary(context, 43);
    this.#inTurns = new ProfileDictionary(context, 45);
  }

  check(bytes: Uint8Array): void {
    const plain: RowDictionary = {
      find: (...key) => this.#plain.find(...key),
      add: (...row) => this.#plain.add(...row),
      refusal: () => this.#plain.refusal(),
    };
    const { body, end } = withCanary(bytes);
    const expected = this.#run(this.#plain, plain, body, end);
    for (const one of [this.#predicting, this.#compiled]) {
      assert.deepEqual(this.#run(one, one, body, end), expected);
      assert.deepEqual(this.#run(one, one, bytes, end), expected);
    }
    assert.deepEqual(this.#runInTurns(body, end), expected);
  }

  #run(owner: ProfileDictionary, dictionary: RowDictionary, body: Uint8Array, end: number) {
    const builder = owner === this.#compiled ? new BatchBuilder() : withoutColumns();
    owner.begin();
    const result = this.#scan(body, end, dictionary, builder);
    owner.release();
    return contentOf(result, builder);
  }

  /** Cut short after a few new rows, as often as there are more of them. */
  #runInTurns(body: Uint8Array, end: number) {
    const scan = (dictionary: RowDictionary, sink: RowSink) =>
      this.#scan(body, end, dictionary, sink);
    const between = (): void => {
      const none = this.#run(this.#plain, this.#plain, new Uint8Array(0), 0);
      assert.deepEqual(none.points, [], 'what a scan leaves is nothing of the next one');
    };
    const rowsMax = (turn: number) => 2 + (this.#cutCount++ % 3) + (turn >> 2);
    const cuts = { rowsMax, between, makeBuilder: withoutColumns };
    return scanInTurns(this.#inTurns, scan, cuts).content;
  }
}

/** Scanners do not ask a kernel whose columns nobody takes. */
function withoutColumns(): BatchBuilder {
  return Object.defineProperty(new BatchBuilder(), 'columns', { value: undefined });
}

const wasm = readFileSync(new URL('../../dist/wasm/lines.wasm', import.meta.url));
const module = new WebAssembly.Module(wasm);
useLinesKernel(() => module);
after(() => useLinesKernel(undefined));

const encoder = new TextEncoder();

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(pieces.flatMap((piece) => [...piece]));
}

/** Bodies made of the same few pieces, some of them damaged. */
function bodiesOf(piece: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array[]> {
  const damage = fc.option(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { freq: 3 });
  return fc
    .tuple(
      fc.array(piece, { minLength: 1, maxLength: 5 }),
      fc.array(fc.tuple(fc.array(fc.nat({ max: 4 }), { maxLength: 8 }), damage), {
        minLength: 2,
        maxLength: 6,
      }),
    )
    .map(([pieces, bodies]) =>
      bodies.map(([order, harm]) => {
        const body = joined(order.map((i) => pieces[i % pieces.length]!));
        if (harm !== null && body.length > 0) body[harm[0] % body.length] = harm[1];
        return body;
      }),
    );
}

const lineNumber = fc.constantFrom(
  ...(
    '1 -2i 3.25 .5 7. -0 12345678901i -9223372036854775808i 1e3 1e+3 t false "a" x 9i9 - ' +
    '18446744073709551615u 0.1234567890123456'
  ).split(' '),
  '"a b"',
  '',
);
const lineKey = fc.constantFrom('m', 'm,a=1', 'm,a=11', 'm\\ x,a=1', 'refused', 'm,a=');
const fieldName = fc.constantFrom('f', 'fg', 'a_longer_name', 'a_longer_nama', '\tt', 'e\\=q');
const line = fc
  .record({
    key: lineKey,
    gap: fc.constantFrom(' ', ' ', ' ', '  ', ' \t'),
    fields: fc.array(fc.tuple(fieldName, lineNumber), { minLength: 1, maxLength: 3 }),
    time: fc.constantFrom('', ' 1700000000000000000', ' 1700000000000000001', ' -5', ' 1', ' x'),
    end: fc.constantFrom('\n', '\n', '\r\n', ' \n', '\n\n', ''),
  })
  .map(({ key, gap, fields, time, end }) =>
    encoder.encode(key + gap + fields.map((field) => field.join('=')).join(',') + time + end),
  );

const sampleValue = fc.constantFrom('1', '-2.5', '1e9', 'NaN', '+Inf', '0.12345678901234567', '1x');
const pageLine = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom('# TYPE m counter\n', '# TYPE m gauge\n', '# x\n') },
  {
    weight: 6,
    arbitrary: fc
      .tuple(
        fc.constantFrom(
          'm',
          'm_total',
          'm{a="1"}',
          'm{a="11"}',
          'refused',
          'm{a="}"}',
          'm {b="2"}',
        ),
        fc.constantFrom(' ', ' ', '  ', '\t', ''),
        sampleValue,
        fc.constantFrom('', ' 1700000000000', ' 5', ' -5', ' 5 6', '\t7'),
        fc.constantFrom('\n', '\n', '\r\n', ' \n', ''),
      )
      .map((parts) => parts.join('')),
  },
);

const graphiteLine = fc
  .tuple(
    fc.constantFrom('a.b', 'a.b.c', 'a.b;t=1', 'a.b;t=11', 'refused', 'a;t', 'x@.a.b', ' a.b'),
    fc.constantFrom(' ', ' ', ' ', '  ', '\t', ''),
    fc.constantFrom(
      '1',
      '-2.5',
      '1e9',
      'nan',
      '-inf',
      '0.12345678901234567',
      '1x',
      '.5',
      '7.',
      '-',
    ),
    fc.constantFrom(' 1700000000', ' 1700000000', ' 5', ' -5', ' -1', ' 5.25', ' 5 6', '\t7', ''),
    fc.constantFrom('\n', '\n', '\r\n', ' \n', '\n\n', ''),
  )
  .map((parts) => parts.join(''));

const gtsLine = fc
  .tuple(
    fc.constantFrom('', '', '=', ' '),
    fc.constantFrom(
      '1700000000000000',
      '1700000000000000',
      '1700000000000123',
      '5',
      '-5',
      'T+5',
      '',
    ),
    fc.constantFrom('//', '//', '//', '//', '/1.5:2/', '//12', '/', '/ /'),
    fc.constantFrom(
      ' m{} ',
      ' m{a=1} ',
      ' m{a=11} ',
      ' m n{a=1} ',
      ' refused{} ',
      ' m{a=1}{b=2} ',
      ' ',
      '  ',
    ),
    fc.constantFrom(
      ...(
        '1 -2 -0 0 12345678901 -9223372036854775808 9223372036854775808 1.5 -.5 7. . - -x 1e3 ' +
        '0.12345678901234567 1.5e-7 +1 5i T f true FALSE NaN x'
      ).split(' '),
      "'a%20b'",
      '5 6',
      '',
    ),
    fc.constantFrom('\n', '\n', '\n', '\r\n', ' \n', '\n\n', '\n# x\n', ''),
  )
  .map((parts) => parts.join(''));

const putLine = fc
  .tuple(
    fc.constantFrom('put m', 'put m.n', 'put refused', 'put m!', 'put ', 'put'),
    fc.constantFrom(' 5', ' 1700000000', ' 1700000000123', ' 1700000000.123', ' x', '  5', ''),
    fc.constantFrom(' 1', ' -2.5', ' 9007199254740993', ' x', ''),
    fc.constantFrom(' a=1', ' a=11', ' a=1 b=2', ' a', '', '  a=1 '),
    fc.constantFrom('\n', '\n', '\r\n', ' \n', '\n\n', ''),
  )
  .map((parts) => parts.join(''));

/** Bad texts are rare, since one of them spoils a body. */
const mostly = (good: readonly string[], rare: readonly string[]) =>
  fc.oneof(
    { weight: 30, arbitrary: fc.constantFrom(...good) },
    { weight: 1, arbitrary: fc.constantFrom(...rare) },
  );
const putText = fc
  .record({
    metric: mostly(['"m"', '"m.n"'], ['"refused"', '"m m"', '""', '"\\u006d"', '5', 'null']),
    timestamp: mostly(['5', '1700000000', '1700000000123'], ['"5"', '0', '5.5', '05', '1e3']),
    value: mostly(
      ['1', '-2.5', '-0', '9007199254740993', '0.12345678901234567', '-12345678901'],
      ['"7"', '"x"', '01', '-01.5', '1.', '1e3', '-', '.5', '123456789012345678901234'],
    ),
    tags: mostly(
      ['{"a":"1"}', '{"a":"11"}', '{"a":"1","b":"µ"}', '{"a":"\\u0031"}'],
      ['{}', 'null', '{"a":1}', '{"a":"}"}', '{"a":"\\""}', '{"a":{}}'],
    ),
  })
  .map((fields) => Object.entries(fields).map(([name, text]) => `"${name}":${text}`));
const putPoint = fc.oneof(
  {
    weight: 30,
    arbitrary: fc
      .tuple(putText, fc.constantFrom([0, 1, 2, 3], [0, 1, 2, 3], [3, 1, 0, 2]), fc.nat(30))
      .map(([texts, order, more]) => {
        const fields = order.map((place) => texts[place]!);
        if (more === 0) fields.push('"x":[null,"]}"]');
        const point = fields.join(more === 1 ? ' , ' : ',');
        return more === 2 ? `\n{ ${point} } , ` : `{${point}},`;
      }),
  },
  { weight: 1, arbitrary: fc.constantFrom('null,', '{"metric":"m"},', ' ', '{}') },
);

const seriesLabels = fc.constantFrom(
  ['__name__', 'm'],
  ['__name__', 'm', 'a', '1'],
  ['__name__', 'refused'],
);
const writeSample = fc
  .tuple(
    fc.constantFrom(0x3ff0000000000000n, 0x7ff0000000000002n, 0x7ff8000000000001n),
    fc.constantFrom(0, 1, -1, 1_700_000_000_000, 1_700_000_015_000, Number.MAX_SAFE_INTEGER),
  )
  .map(([bits, timeMs]) => bytesField(2, [...doubleField(1, bits), ...varintField(2, timeMs)]));
const laterLabel = [...bytesField(1, 'z'), ...bytesField(2, '1')];
const seriesPart = fc.oneof(
  { weight: 1, arbitrary: fc.constant(bytesField(1, laterLabel)) },
  { weight: 6, arbitrary: writeSample },
  { weight: 1, arbitrary: fc.constantFrom(varintField(9, 5), bytesField(2, doubleField(1, 2))) },
  { weight: 1, arbitrary: fc.constantFrom(bytesField(2, varintField(2, 5)), bytesField(2, [])) },
);
const series = fc
  .tuple(seriesLabels, fc.array(seriesPart, { maxLength: 3 }))
  .map(([labels, parts]) => {
    const message: number[] = [];
    for (let i = 0; i < labels.length; i += 2)
      message.push(
        ...bytesField(1, [...bytesField(1, labels[i]!), ...bytesField(2, labels[i + 1]!)]),
      );
    return Uint8Array.from(bytesField(1, [...message, ...parts.flat()]));
  });

// Mostly good ones: a message with a refused series is not remembered.
const refsV2 = fc.oneof(
  {
    weight: 15,
    arbitrary: fc.constantFrom([1, 2], [1, 4], [1, 2, 3, 4], [1, 2, 3, 2], [1, 4, 3, 4]),
  },
  { weight: 1, arbitrary: fc.constantFrom([1, 5], [1], [1, 90], [], [1, 2, 3, 4, 6, 4]) },
);
const sampleV2 = fc
  .tuple(
    fc.constantFrom(0x3ff0000000000000n, 0x7ff0000000000002n),
    fc.constantFrom(0, 1, -1, 1_700_000_000_000, 1_700_000_015_000),
    fc.constantFrom(undefined, undefined, 0, 5, 1_600_000_000_000),
  )
  .map(([bits, timeMs, startMs]) => [
    ...doubleField(1, bits),
    ...varintField(2, timeMs),
    ...(startMs === undefined ? [] : varintField(3, startMs)),
  ])
  .map((sample) => bytesField(2, sample));
const metadataV2 = fc.constantFrom([1, 6, 0], [1, 6, 0], [2, 0, 6], [0, 0, 0], [3, 6, 6]);
const exemplarV2 = bytesField(4, [...bytesField(1, [3, 4]), ...doubleField(2, 1)]);
const partV2 = fc.oneof(
  { weight: 6, arbitrary: sampleV2 },
  {
    weight: 2,
    arbitrary: metadataV2.map(([type, help, unit]) =>
      bytesField(5, [...varintField(1, type), ...varintField(3, help), ...varintField(4, unit)]),
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom(exemplarV2, varintField(9, 5), varintField(1, 1)) },
  { weight: 1, arbitrary: fc.constantFrom(bytesField(2, []), bytesField(2, doubleField(1, 2))) },
);
const seriesOfV2 = fc
  .tuple(refsV2, sampleV2, fc.array(partV2, { maxLength: 3 }))
  .map(([refs, parts]) =>
    Uint8Array.from(bytesField(5, [...bytesField(1, refs), ...parts.flat()])),
  );

const guessedLine = fc
  .tuple(
    fc.constantFrom('m,a=1', 'm,a=11'),
    fc.constantFrom('', ' 5', ' -5', ' 4999999999', ' 5000000000', ' 1700000000123'),
    fc.constantFrom('', '456', '456789'),
  )
  .map(([key, time, more]) => encoder.encode(`${key} f=1${time}${time === '' ? '' : more}\n`));

const pieces = {
  lineProtocol: line,
  guessedTimes: guessedLine,
  exposition: pageLine.map((text) => encoder.encode(text)),
  graphite: graphiteLine.map((text) => encoder.encode(text)),
  gts: gtsLine.map((text) => encoder.encode(text)),
  gtsOfNanoseconds: gtsLine.map((text) => encoder.encode(text)),
  putLines: putLine.map((text) => encoder.encode(text)),
  putJson: putPoint.map((text) => encoder.encode(text)),
  remoteWrite: series,
  remoteWriteByKernel: series,
  remoteWrite2: seriesOfV2,
};

/** Runs a test with the kernel of remote write. */
function byKernel(run: () => void): void {
  useWriteKernel(() => new WebAssembly.Module(readFileSync(WASM)));
  try {
    run();
  } finally {
    useWriteKernel(undefined);
  }
}

for (const name of Object.keys(pieces) as (keyof typeof pieces)[]) {
  const within = name === 'remoteWriteByKernel' ? byKernel : (run: () => void) => run();
  test(`${name}: predictions change nothing`, () =>
    within(() => {
      fc.assert(
        fc.property(bodiesOf(pieces[name]), (bodies) => {
          const pair = new Pair(SCANS[name]);
          for (const body of bodies) pair.check(body);
        }),
        { numRuns: 400 },
      );
    }));

  test(`${name}: a body cut at any byte gives the same with predictions`, () =>
    within(() => {
      fc.assert(
        fc.property(fc.array(pieces[name], { minLength: 1, maxLength: 4 }), (list) => {
          const body = joined(list);
          const pair = new Pair(SCANS[name]);
          pair.check(body);
          pair.check(body);
          for (let end = 0; end < body.length; end++) {
            pair.check(body.slice(0, end));
            if (end % 8 === 0) pair.check(body);
          }
        }),
        { numRuns: 15 },
      );
    }));
}

const label = (name: string, value: string): number[] =>
  bytesField(1, [...bytesField(1, name), ...bytesField(2, value)]);
const sampleAt = (timeMs: number): number[] =>
  bytesField(2, [...doubleField(1, 0x3ff0000000000000n), ...varintField(2, timeMs)]);

test('remoteWriteByKernel: more rows and samples than a call takes, and rows that it leaves', () => {
  const TIME_MS = 1_700_000_000_000;
  const samples = (count: number): number[] =>
    Array.from({ length: count }, (_, i) => sampleAt(TIME_MS + i)).flat();
  const one = (value: string, count: number): number[] =>
    bytesField(1, [...label('__name__', 'm'), ...label('v', value), ...samples(count)]);
  const few = Array.from({ length: 1500 }, (_, i) => one(String(i), 1)).flat();
  const refusedRow = bytesField(1, [...label('__name__', 'refused'), ...samples(3)]);
  const bodies = [
    few,
    Array.from({ length: 30 }, (_, i) => one(`n${i}`, 100)).flat(),
    [...one('a', 2000), ...one('b', 49), ...one('c', 3000), ...one('d', 2048), ...one('e', 1)],
    [...refusedRow, ...one('f', 2), ...refusedRow, ...one('g', 2), ...few, ...refusedRow],
    // Labels of more than 127 bytes, and a row that the kernel does not hash.
    [...one('x'.repeat(127), 1), ...one('y'.repeat(300), 2), ...one('z'.repeat(8000), 1)],
    Array.from({ length: 3 }, (_, i) =>
      bytesField(1, [
        ...label('__name__', 'm'),
        ...Array.from({ length: 9 }, (_value, k) => label(`v${k}`, `${i}`.repeat(8000))).flat(),
        ...samples(2),
      ]),
    ).flat(),
  ].map((body) => Uint8Array.from(body));
  byKernel(() => {
    const pair = new Pair(SCANS.remoteWriteByKernel);
    for (const body of [...bodies, ...bodies, ...bodies.toReversed()]) pair.check(body);
  });
});

test('remoteWrite: a time of six bytes of zero is no time', () => {
  const zeros = [...doubleField(1, 0x3ff0000000000000n), 0x10, 0, 0, 0, 0, 0, 0];
  const body = Uint8Array.from(
    [sampleAt(1_700_000_000_000), bytesField(2, zeros)].flatMap((sample) =>
      bytesField(1, [...label('__name__', 'm'), ...sample]),
    ),
  );
  const check = (): void => {
    const pair = new Pair(SCANS.remoteWrite);
    for (let i = 0; i < 3; i++) pair.check(body);
    for (let i = 0; i < 3; i++) pair.check(body.slice(body.length / 2));
  };
  check();
  byKernel(check);
});

test('more points than a block holds stay in order', () => {
  const pair = new Pair(SCANS.lineProtocol);
  const fields = Array.from({ length: 90 }, (_, i) => `f${i}=${i}${i % 7 === 3 ? 'i' : '.5'}`);
  const text = Array.from({ length: 40 }, (_, i) => `m,h=${i} ${fields.join(',')} ${i}\n`).join('');
  const wide = Array.from({ length: 1500 }, (_, i) => `g${i}=${i}`).join(',');
  for (let i = 0; i < 3; i++) pair.check(encoder.encode(`${text}w ${wide}\n${text}`));
});

test('a blank in front of the first field is no part of its name, one behind a comma is', () => {
  const pair = new Pair(SCANS.lineProtocol);
  const bodies = ['m f=1,\tt=1\nm f=1,\tt=1\n', 'm new=1,\tt=2\n', 'm \tt=1\nm \tt=1\n'];
  for (const text of [...bodies, ...bodies]) pair.check(encoder.encode(text));
});

test('putJson: a text that differs from those before is read as by the book', () => {
  const point = (texts: Readonly<Record<string, string>>): string => {
    const all = { metric: '"m"', timestamp: '17', value: '1.5', tags: '{"a":"1"}', ...texts };
    const fields = Object.entries(all).map(([name, text]) => `"${name}":${text}`);
    return `{${fields.join(',')}},`;
  };
  const odd: [string, string[]][] = [
    ['metric', ['""', '"n"', '"m\\u006d"', '"m\n"', '"m"x', '5', 'null', '"']],
    ['timestamp', ['18', '1', '170', '0', '05', '"17"', '', '17.0', '1e3', '99999999999999']],
    ['value', ['01', '-01.5', '1.', '.5', '', '-', '1e3', '"1.5"', '9007199254740993', '1.5.5']],
    ['tags', ['{"a":"11"}', '{}', 'null', '{"a":"1"}}', '{"a":"1" }', '[]']],
  ];
  const quoted = { timestamp: '"17"', value: '"1.5"' };
  const quotedOdd = ['"05"', '"01"', '"+1"', '"1."', '".5"', '"-0"', '""', '"1e3"', '"\\u0031"'];
  const cases = odd.flatMap(([name, texts]) => texts.map((text) => [{}, { [name]: text }]));
  for (const text of quotedOdd)
    for (const name of ['timestamp', 'value']) cases.push([quoted, { ...quoted, [name]: text }]);
  for (const [usual, other] of cases) {
    const pair = new Pair(SCANS.putJson);
    const same = point(usual!);
    const body = encoder.encode(same + same + point(other!) + same);
    for (let i = 0; i < 4; i++) {
      pair.check(encoder.encode(same.repeat(3)));
      pair.check(body);
    }
  }
});

test('remoteWrite2: a start time beside a bad time is no start time', () => {
  const time = [128, 208, 149, 255, 188, 49];
  const bad = [0, 208, 149, 255, 188, 49];
  const long = [255, 255, 255, 255, 255, 255, 255, 255, 255, 1];
  const started = (refs: number[], at: number[]): number[] =>
    sampleOf(refs, [...at, 24, 128, 128, 186, 187, 200, 46]);
  const sampleOf = (refs: number[], at: number[]): number[] => {
    const sample = [9, 0, 0, 0, 0, 0, 0, 240, 63, 16, ...at];
    return bytesField(5, [...bytesField(1, refs), ...bytesField(2, sample)]);
  };
  const [plain, other] = [sampleOf([1, 2], long), started([1, 2, 3, 4], time)];
  const pair = new Pair(SCANS.remoteWrite2);
  pair.check(Uint8Array.from([other, plain, other, other].flat()));
  pair.check(Uint8Array.from([plain, plain, plain, started([1, 2, 3, 4], bad), plain].flat()));
});
