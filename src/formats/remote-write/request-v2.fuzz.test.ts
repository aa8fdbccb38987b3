// Any series in version 2.0 give what they give in version 1.0; damaged messages are refused
// without a throw and without a look behind the end of the body.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { bytesField, varintField } from '../../../test/support/protobuf-writer.ts';
import { requestV2, sampleMessage } from '../../../test/support/remote-write-v2.ts';
import type { SeriesV2 } from '../../../test/support/remote-write-v2.ts';
import { RowRecorder, withCanary } from '../../../test/support/row-recorder.ts';
import { seededPrng } from '../../stdx/prng.ts';
import { scanRequestV2 } from './request-v2.ts';
import { scanWriteRequest } from './write-request.ts';

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 6 }),
  fc.constantFrom('', 'a', 'job', 'v'.repeat(70), 'v'.repeat(300)),
);
const series: fc.Arbitrary<SeriesV2> = fc.record({
  labels: fc
    .array(fc.tuple(text, text), { maxLength: 4 })
    .map((labels) => ['__name__', 'm', ...labels.flat()]),
  samples: fc.array(
    fc.record({
      value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      tMs: fc.integer({ min: -(2 ** 44), max: 2 ** 44 }),
    }),
    { minLength: 1, maxLength: 3 },
  ),
});

function asV1({ labels, samples = [] }: SeriesV2): number[] {
  const pairs: number[] = [];
  for (let i = 0; i < labels.length; i += 2)
    pairs.push(...bytesField(1, [...bytesField(1, labels[i]!), ...bytesField(2, labels[i + 1]!)]));
  return bytesField(1, [
    ...pairs,
    ...samples.flatMap((sample) => bytesField(2, sampleMessage(sample))),
  ]);
}

function scan(bytes: Uint8Array, recorder = new RowRecorder()) {
  const { body, end } = withCanary(bytes);
  return { recorder, result: scanRequestV2(body, end, recorder, recorder) };
}

test('both versions mean the same, by the same row bytes', () => {
  fc.assert(
    fc.property(fc.array(series, { maxLength: 5 }), (list) => {
      const old = new RowRecorder();
      const body = Uint8Array.from(list.flatMap(asV1));
      const expected = scanWriteRequest(body, body.length, old, old);
      const { recorder, result } = scan(requestV2(list));
      assert.equal(recorder.text(), old.text());
      assert.deepEqual(
        result.errors.map(({ line, reason }) => [line, reason]),
        expected.errors.map(({ line, reason }) => [line, reason]),
      );
      assert.partialDeepStrictEqual(result, {
        rowCount: expected.rowCount,
        pointCount: expected.pointCount,
      });
      // What one version has taught the dictionary serves the other.
      const before = old.addCount;
      scan(requestV2(list), old);
      assert.equal(old.addCount, before);
    }),
    { numRuns: 200 },
  );
});

test('damaged messages are refused quietly', () => {
  const rich: SeriesV2 = {
    labels: ['__name__', 'm_total', 'a', 'b'],
    samples: [{ value: 1, tMs: 1_700_000_000_000, startMs: 1_600_000_000_000 }],
    exemplars: [{ labels: ['trace_id', 'x'], value: 1, tMs: 5 }],
    metadata: { type: 1, help: 'h', unit: 'u' },
  };
  const damage = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 });
  fc.assert(
    fc.property(fc.array(series, { maxLength: 3 }), damage, fc.nat(), (list, changes, cut) => {
      const whole = requestV2([...list, rich]);
      for (const [at, byte] of changes) whole[at % whole.length] = byte;
      const bytes = whole.subarray(0, whole.length - (cut % 3 === 0 ? cut % whole.length : 0));
      const recorder = new RowRecorder();
      const result = scanRequestV2(bytes.slice(), bytes.length, recorder, recorder);
      const padded = scan(bytes);
      assert.deepEqual(result, padded.result);
      assert.equal(recorder.text(), padded.recorder.text());
    }),
    { numRuns: 300 },
  );
});

test('random bytes never throw', () => {
  const prng = seededPrng(7);
  for (let i = 0; i < 500; i++) {
    const bytes = prng.bytes(1 + (i % 90));
    // Half of them begin as messages do.
    if (i % 2 === 0)
      bytes.set(
        Uint8Array.from([...bytesField(4, 'a'), ...varintField(9, 1)]).subarray(0, bytes.length),
      );
    scan(bytes);
  }
});
