// Random messages come back whole; damaged ones are refused without a throw and without a look
// behind the end of the body.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { bytesField, doubleField, varintField } from '../../../test/support/protobuf-writer.ts';
import { RowRecorder, withCanary } from '../../../test/support/row-recorder.ts';
import { labelsFromPairs } from '../../model/labels.ts';
import { scanWriteRequest } from './write-request.ts';

interface Series {
  readonly labels: readonly (readonly [string, string])[];
  readonly samples: readonly (readonly [bits: bigint, timestampMs: number])[];
}

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 });
const series: fc.Arbitrary<Series> = fc.record({
  labels: fc
    .uniqueArray(fc.tuple(text, text), { maxLength: 4, selector: ([name]) => name })
    .map((labels): [string, string][] => [
      ['__name__', 'm'],
      ...labels.filter(([name]) => name !== '__name__'),
    ]),
  samples: fc.array(
    fc.tuple(
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      fc.integer({ min: -(2 ** 42), max: 2 ** 42 }),
    ),
    { maxLength: 4 },
  ),
});

function encode({ labels, samples }: Series): number[] {
  return bytesField(1, [
    ...labels.flatMap(([name, value]) =>
      bytesField(1, [...bytesField(1, name), ...bytesField(2, value)]),
    ),
    ...samples.flatMap(([bits, timestampMs]) =>
      bytesField(2, [...doubleField(1, bits), ...varintField(2, timestampMs)]),
    ),
  ]);
}

function shown({ labels, samples }: Series): string[] {
  const flat = labelsFromPairs(labels.flat());
  const name = flat.map((part, i) => (i % 2 === 0 ? `${part}=` : `${part},`)).join('');
  return samples.map(([bits, timestampMs]) => {
    const value = new Float64Array(BigUint64Array.of(bits).buffer)[0]!;
    const printed = Number.isNaN(value) ? `"bits:${bits.toString(16)}"` : String(value);
    return `${name.slice(0, -1)} f64 ${printed} @${timestampMs * 1000}`;
  });
}

function scan(bytes: Uint8Array) {
  const { body, end } = withCanary(bytes);
  const recorder = new RowRecorder();
  return { recorder, result: scanWriteRequest(body, end, recorder, recorder) };
}

test('any series come back with every bit', () => {
  fc.assert(
    fc.property(fc.array(series, { maxLength: 5 }), (list) => {
      const { recorder, result } = scan(Uint8Array.from(list.flatMap(encode)));
      assert.deepEqual(result.errors, []);
      assert.equal(recorder.text(), list.flatMap(shown).join('\n'));
    }),
    { numRuns: 200 },
  );
});

test('damaged messages are refused quietly', () => {
  const damage = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 });
  fc.assert(
    fc.property(fc.array(series, { maxLength: 3 }), damage, (list, changes) => {
      const bytes = Uint8Array.from(list.flatMap(encode));
      for (const [at, byte] of changes) if (bytes.length > 0) bytes[at % bytes.length] = byte;
      const recorder = new RowRecorder();
      const result = scanWriteRequest(bytes, bytes.length, recorder, recorder);
      const padded = scan(bytes);
      assert.deepEqual(result, padded.result);
      assert.equal(recorder.text(), padded.recorder.text());
    }),
    { numRuns: 1000 },
  );
});
