// Families in both forms, names in every alphabet; bytes are those of Prometheus 3.15.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtobufReader } from '../../codec/protobuf.ts';
import type { Histogram } from '../../model/histogram.ts';
import { labelsFromObject } from '../../model/labels.ts';
import { escapeName } from './escaping.ts';
import { protobufFamilies, textFamilies } from './families.ts';
import type { FamilySample } from './families.ts';

const sample = (labels: Record<string, string>, value: FamilySample['value']): FamilySample => ({
  labels: labelsFromObject(labels),
  timeMs: 1000,
  value,
});

const EXPONENTIAL: Histogram = {
  isInteger: true,
  schema: 1,
  zeroThreshold: 0.5,
  zeroCount: 1,
  count: 4,
  sum: 10,
  counterResetHint: 0,
  positiveSpans: [{ offset: 1, length: 2 }],
  positiveBuckets: Float64Array.of(1, 2),
  negativeSpans: [],
  negativeBuckets: new Float64Array(0),
  customValues: new Float64Array(0),
};
const CUSTOM: Histogram = {
  ...EXPONENTIAL,
  schema: -53,
  zeroCount: 0,
  zeroThreshold: 0,
  customValues: Float64Array.of(0.5, 1e6, 2e6),
};

test('names in the old alphabet', () => {
  const cases = [
    ['plain_name:x', ['plain_name:x', 'plain_name:x', 'plain_name:x']],
    ['a.b_c', ['a_b_c', 'a_dot_b__c', 'U__a_2e_b__c']],
    ['1é', ['__', '____', 'U___31__e9_']],
    ['', ['', '', '']],
  ] as const;
  for (const [name, expected] of cases) {
    const schemes = ['underscores', 'dots', 'values'] as const;
    assert.deepEqual(
      schemes.map((scheme) => escapeName(name, scheme)),
      expected,
    );
    assert.equal(escapeName(name, 'allow-utf-8'), name);
  }
});

test('text: custom buckets become classic ones, exponential ones are left out', () => {
  const samples = [
    sample({ __name__: 'c' }, CUSTOM),
    sample({ __name__: 'h' }, EXPONENTIAL),
    sample({ __name__: 'm', 'l.x': 'a"\\\n' }, 1.5e7),
    sample({ __name__: 'm', instance: 'i' }, Number.NaN),
  ];
  assert.equal(
    [...textFamilies(samples, 'allow-utf-8')].join(''),
    '# TYPE c histogram\n' +
      'c_bucket{instance="",le="0.5"} 0 1000\n' +
      'c_bucket{instance="",le="1e+06"} 1 1000\n' +
      'c_bucket{instance="",le="2e+06"} 3 1000\n' +
      'c_bucket{instance="",le="+Inf"} 4 1000\n' +
      'c_sum{instance=""} 10 1000\n' +
      'c_count{instance=""} 4 1000\n' +
      '# TYPE m untyped\n' +
      'm{"l.x"="a\\"\\\\\\n",instance=""} 1.5e+07 1000\n' +
      'm{instance="i"} NaN 1000\n',
  );
});

/** Field numbers of a message, in their order. */
function fields(bytes: Uint8Array): number[] {
  const reader = new ProtobufReader(bytes, 0, bytes.length);
  const out: number[] = [];
  while (reader.at < bytes.length) {
    const tag = reader.tag();
    out.push(tag >>> 3);
    reader.skip(tag);
  }
  return out;
}

test('protobuf: a family for each name and type, its size in front', () => {
  const gauge = { ...EXPONENTIAL, counterResetHint: 3 } as const;
  const samples = [
    sample({ __name__: 'h', a: '1' }, EXPONENTIAL),
    sample({ __name__: 'h', a: '2' }, EXPONENTIAL),
    sample({ __name__: 'h', a: '3' }, gauge),
    sample({ __name__: 'm' }, 2),
  ];
  const messages = [...protobufFamilies(samples, 'allow-utf-8')];
  assert.equal(messages.length, 3);
  const bodies = messages.map((message) => {
    const reader = new ProtobufReader(message, 0, message.length);
    assert.equal(reader.lengthEnd(), message.length);
    return message.subarray(reader.at);
  });
  assert.deepEqual(bodies.map(fields), [
    [1, 3, 4, 4],
    [1, 3, 4],
    [1, 3, 4],
  ]);
});
