// Types and units as labels of remote write 2.0: the rewritten message says what the old one said,
// with those labels; damaged ones stay refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { requestV2 } from '../../../test/support/remote-write-v2.ts';
import type { SeriesV2 } from '../../../test/support/remote-write-v2.ts';
import { bytesField, varintBytes } from '../../../test/support/protobuf-writer.ts';
import { RowRecorder } from '../../../test/support/row-recorder.ts';
import { METADATA_TYPES } from './labels.ts';
import { scanRequestV2 } from './request-v2.ts';
import { withTypeAndUnitLabels } from './type-and-unit.ts';

function scan(body: Uint8Array) {
  const recorder = new RowRecorder();
  const result = scanRequestV2(body, body.length, recorder, recorder);
  return { recorder, result };
}

function rowsOf(list: readonly SeriesV2[]): string[] {
  const { recorder, result } = scan(withTypeAndUnitLabels(requestV2(list)));
  assert.deepEqual(result.errors, []);
  return recorder.rows.map(({ series }) => series);
}

const samples = [{ value: 1, tMs: 1 }];

test('what metadata says stands in the labels, instead of what they said', () => {
  const counter = { type: 1, help: 'What.', unit: 'seconds' };
  const labels = ['__name__', 'm', '__type__', 'gauge', '__unit__', 'bytes', 'a', 'b'];
  assert.deepEqual(
    rowsOf([
      { labels: ['__name__', 'm'], samples, metadata: counter },
      { labels, samples, metadata: counter },
      { labels, samples, metadata: { ...counter, type: 0 } },
      { labels, samples, metadata: { ...counter, unit: '' } },
      { labels, samples, metadata: { type: 0, help: 'What.', unit: '' } },
      { labels, samples },
      { labels, samples, metadata: { ...counter, type: 99, unit: '' } },
    ]),
    [
      '__name__=m,__type__=counter,__unit__=seconds',
      '__name__=m,__type__=counter,__unit__=seconds,a=b',
      '__name__=m,__unit__=seconds,a=b',
      '__name__=m,__type__=counter,a=b',
      '__name__=m,__type__=gauge,__unit__=bytes,a=b',
      '__name__=m,__type__=gauge,__unit__=bytes,a=b',
      '__name__=m,__type__=gauge,__unit__=bytes,a=b',
    ],
  );
});

test('points, exemplars and metadata stay as they are', () => {
  const text = fc.constantFrom('a', 'b', '__type__', '__unit__', 'ü');
  const series: fc.Arbitrary<SeriesV2> = fc.record({
    labels: fc
      .uniqueArray(fc.tuple(text, text), { maxLength: 4, selector: ([name]) => name })
      .map((pairs) => ['__name__', 'm', ...pairs.flat()]),
    samples: fc.array(fc.record({ value: fc.double(), tMs: fc.nat(), startMs: fc.nat() }), {
      minLength: 1,
      maxLength: 3,
    }),
    exemplars: fc.array(
      fc.record({ labels: fc.tuple(text, text), value: fc.nat(), tMs: fc.nat() }),
    ),
    metadata: fc.record({ type: fc.nat(8), help: text, unit: fc.oneof(text, fc.constant('')) }),
  });
  fc.assert(
    fc.property(fc.array(series, { maxLength: 5 }), (list) => {
      const plain = scan(requestV2(list)).recorder;
      const labelled = scan(withTypeAndUnitLabels(requestV2(list))).recorder;
      const points = ({ rows }: RowRecorder): unknown =>
        rows.map(({ tUs, kind, value }) => [tUs, kind, value]);
      assert.deepEqual(points(labelled), points(plain));
      assert.deepEqual(labelled.metadataRows, plain.metadataRows);
      const values = ({ exemplars }: RowRecorder): unknown =>
        exemplars.map(({ labels, value, tUs }) => [labels, value, tUs]);
      assert.deepEqual(values(labelled), values(plain));
      const types = list.flatMap(({ metadata, samples: own = [] }) =>
        own.map(() => METADATA_TYPES[metadata!.type] ?? 'unknown'),
      );
      for (const [i, { series: labels }] of labelled.rows.entries())
        if (types[i] !== 'unknown') assert.ok(labels.includes(`__type__=${types[i]}`), labels);
    }),
    { numRuns: 200 },
  );
});

test('references to nothing stay refused', () => {
  const metadata = { type: 1, help: '', unit: '' };
  const good = requestV2([{ labels: ['__name__', 'm'], samples, metadata }]);
  // Symbols are '', __name__ and m; number 3 will be that of __type__.
  const odd = bytesField(5, [
    ...bytesField(1, [1, 2, 3, 2].flatMap(varintBytes)),
    ...bytesField(2, [0x10, 1]),
  ]);
  const { recorder, result } = scan(withTypeAndUnitLabels(Uint8Array.from([...good, ...odd])));
  assert.equal(result.errorCount, 1);
  assert.match(result.errors[0]!.reason, /refers to symbol 4294967295/);
  assert.deepEqual(
    recorder.rows.map(({ series }) => series),
    ['__name__=m,__type__=counter'],
  );
});

test('messages that cannot be read are given back', () => {
  const whole = requestV2([
    { labels: ['__name__', 'm'], samples, metadata: { type: 1, help: 'x', unit: 'y' } },
  ]);
  for (let end = 0; end < whole.length; end++) {
    const cut = whole.subarray(0, end);
    const { corrupt } = scan(cut).result;
    if (corrupt === undefined) scan(withTypeAndUnitLabels(cut));
    else assert.equal(withTypeAndUnitLabels(cut), cut);
  }
});
