// Bodies of an import: whatever the pieces in which a file is read and wherever bodies are cut,
// they hold the same rows with the same lines.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { RowRecorder, withCanary } from '../../../test/support/row-recorder.ts';
import { parseColumns } from '../../formats/csv/columns.ts';
import { scanCsv } from '../../formats/csv/scan.ts';
import { scanLineProtocol } from '../../formats/influx/line-protocol.ts';
import { scanGts } from '../../formats/warp10/gts.ts';
import { cutBodies } from './import-bodies.ts';
import { detectFormat } from './import-detect.ts';
import { cutPuts } from './import-opentsdb.ts';
import { csvEnd, influxEnd, linesEnd, warp10End } from './import-rows.ts';
import type { RowsEnd } from './import-rows.ts';

type Scan = (body: Uint8Array, end: number, recorder: RowRecorder) => readonly { line: number }[];

const scanners: readonly (readonly [string, RowsEnd, Scan, readonly string[]])[] = [
  [
    'csv',
    csvEnd,
    (body, end, recorder) => {
      const columns = parseColumns('1:label:l,2:metric:m,3:metric:n');
      assert.ok(typeof columns !== 'string');
      const options = { columns, defaultTimeUs: 0, header: 'no' } as const;
      return scanCsv(body, end, options, recorder, recorder).errors;
    },
    ['a,1,2\n', '"b\nc",3,4\r\n', '"d""\n,",5,\n', '\n', 'e"f,6,7\n', 'g,x,1\n', '"h"i,1,1\n'],
  ],
  [
    'influx',
    influxEnd,
    (body, end, recorder) => {
      const options = { precision: 'ns', defaultTimeUs: 0, mapping: [] } as const;
      return scanLineProtocol(body, end, options, recorder, recorder).errors;
    },
    [
      'm,t=a f=1 1\n',
      'm s="x\ny",f=2 2\n',
      '# no "comment\n',
      'm,t="q f=3 3\n',
      'a\\ "b c="\\"\n" 4\n',
    ],
  ],
  [
    'warp10',
    warp10End,
    (body, end, recorder) => {
      const options = { timeUnit: 'us', nowUs: 0, nowSubNs: 0 } as const;
      return scanGts(body, end, options, recorder, recorder).errors;
    },
    ["1// a{x=y} 1\n=2// 'b%7B'\n", '3// b{} 4\n', '5// c{} T\n6// 7\n', "8// d{} '{'\n"],
  ],
];

async function* pieces(bytes: Uint8Array, sizeBytes: number): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < bytes.length; at += sizeBytes) yield bytes.slice(at, at + sizeBytes);
}

for (const [name, rowsEnd, scan, rows] of scanners)
  test(`${name}: bodies hold the rows of the file`, async () => {
    const files = fc.array(fc.constantFrom(...rows), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(
        files,
        fc.integer({ min: 1, max: 90 }),
        fc.integer({ min: 1, max: 50 }),
        async (list, bodyBytes, pieceBytes) => {
          const bytes = new TextEncoder().encode(list.join(''));
          const whole = new RowRecorder();
          const { body, end } = withCanary(bytes);
          const expected = scan(body, end, whole).map(({ line }) => line);
          const cut = new RowRecorder();
          const lines: number[] = [];
          let count = 0;
          const options = { path: 'f', rowsEnd, bodyBytes };
          for await (const one of cutBodies(pieces(bytes, pieceBytes), options)) {
            count++;
            const padded = withCanary(one.bytes);
            for (const { line } of scan(padded.body, padded.end, cut))
              lines.push(one.line + line - 1);
          }
          assert.equal(cut.text(), whole.text());
          if (expected.length < 32) assert.deepEqual(lines, expected);
          if (bytes.length > 600 && bodyBytes < 90) assert.ok(count > 1);
        },
      ),
      { numRuns: 300 },
    );
  });

test('OpenTSDB: points of JSON and of lines, read in pieces of any size', async () => {
  const json =
    '[{"metric":"a","timestamp":1,"value":1,"tags":{"t":"}\\"{"}},\n {"metric":\n"b"}]\n{"c":1}';
  const lines = 'put a 1 2 t=x\n# none\na 1.5 3 t=ü u=v\r\nput b\nput c x 1 t=y\nput c 1 1 t\n';
  for (let size = 1; size < 20; size++) {
    const refused: string[] = [];
    const onRefused = (line: number, reason: string): void =>
      void refused.push(`${line} ${reason}`);
    const bodies = async (text: string, bodyBytes: number) => {
      const out: unknown[] = [];
      const chunks = pieces(new TextEncoder().encode(text), size);
      for await (const body of cutPuts(chunks, { path: 'f', bodyBytes, onRefused }))
        out.push(...(JSON.parse(Buffer.from(body.bytes).toString()) as unknown[]), ...body.lines);
      return out;
    };
    assert.deepEqual(await bodies(json, 1_000), [
      { metric: 'a', timestamp: 1, value: 1, tags: { t: '}"{' } },
      { metric: 'b' },
      { c: 1 },
      1,
      2,
      4,
    ]);
    assert.deepEqual(await bodies(lines, 1_000), [
      { metric: 'a', timestamp: 1, value: '2', tags: { t: 'x' } },
      { metric: 'a', timestamp: 15, value: '3', tags: { t: 'ü', u: 'v' } },
      1,
      3,
    ]);
    assert.deepEqual(refused, [
      '4 expected a metric, a time, a value and tags',
      '5 the time "x" cannot be read',
      '6 the tag "t" is not NAME=VALUE',
    ]);
  }
  await assert.rejects(async () => {
    for await (const _ of cutPuts(pieces(Buffer.from('{"a":1} x'), 4), {
      path: 'f.json',
      bodyBytes: 9,
      onRefused: () => assert.fail('not this'),
    }));
  }, /f\.json:1: not JSON objects/);
});

test('formats are told by name or content, and not guessed', () => {
  const cases: readonly (readonly [string, string, string | undefined])[] = [
    ['a/b.jsonl.gz', '', 'jsonl'],
    ['b.CSV', '', 'csv'],
    ['x', '{"metric":{"__name__":"m"},"values":[1],"timestamps":[1]}', 'jsonl'],
    ['x', '[{"metric":"m","timestamp":1,"value":1}]', 'opentsdb'],
    ['x', 'put m 1 2 a=b', 'opentsdb'],
    ['x', '# HELP m text\nm 1', 'prometheus'],
    ['x', 'm{a="b"} 1.5', 'prometheus'],
    ['x', '{"m.n",a="b"} 1.5 1000', 'prometheus'],
    ['x', 'm{a="b c=d"} 1.5 1700000000000', 'prometheus'],
    ['x', 'm,a=b f=1i 1700000000000000000', 'influx'],
    ['x', '# a comment\nm f="x y"', 'influx'],
    ['x', 'a.b.c 1 1700000000', 'graphite'],
    ['x', 'a;t=b 1 1700000000', 'graphite'],
    ['x', "1700000000000000/1:2/ m{a=b} 'x'", 'warp10'],
    // An old time in milliseconds, or one in seconds.
    ['x', 'm 1 1700000000', 'graphite'],
    ['x', 'time,value', undefined],
    ['x', '', undefined],
    ['x', 'hello', undefined],
  ];
  for (const [name, head, expected] of cases)
    assert.equal(detectFormat(name, new TextEncoder().encode(head)), expected, head || name);
});

test('rows longer than a body come whole', async () => {
  const row = `${'x'.repeat(5000)}\n`;
  const sizes: number[] = [];
  const bytes = new TextEncoder().encode(row.repeat(3));
  const options = { path: 'f', rowsEnd: linesEnd, bodyBytes: 100 };
  for await (const { bytes: body, line } of cutBodies(pieces(bytes, 64), options))
    sizes.push(body.length, line);
  assert.ok(sizes.every((size, i) => i % 2 === 1 || size % row.length === 0));
  assert.equal(
    sizes.filter((_, i) => i % 2 === 0).reduce((a, b) => a + b),
    bytes.length,
  );
});

test('no body is larger than a server takes, also where a row nearly is', async () => {
  const rows = [40, 900, 30, 950, 10, 700, 600, 20].map((size) => `${'x'.repeat(size - 1)}\n`);
  const bytes = new TextEncoder().encode(rows.join(''));
  for (const pieceBytes of [7, 64, 5000]) {
    const options = { path: 'f', rowsEnd: linesEnd, bodyBytes: 100, bodyBytesMax: 1000 };
    let text = '';
    for await (const { bytes: body, line } of cutBodies(pieces(bytes, pieceBytes), options)) {
      assert.ok(body.length <= 1000, `${body.length}`);
      assert.equal(line, text.split('\n').length);
      text += new TextDecoder().decode(body);
    }
    assert.equal(text, rows.join(''));
    const long = new TextEncoder().encode(`a\n${'x'.repeat(1000)}\nb\n`);
    await assert.rejects(async () => {
      for await (const body of cutBodies(pieces(long, pieceBytes), options)) void body;
    }, /f:2: a row longer than/);
  }
});
