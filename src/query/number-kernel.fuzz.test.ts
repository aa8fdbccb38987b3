// The kernel prints what number-text.ts prints, byte for byte, whatever the double.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import * as fc from 'fast-check';
import { PRINTED_SLOTS_MAX } from './limits.ts';
import { canPrint, printSlots, StepTexts, useNumberKernel } from './number-kernel.ts';
import { floatText, timeText } from './number-text.ts';
import { prometheusJson } from './prometheus-json.ts';
import { evalResult, seriesSlots } from './testing.ts';

const wasm = readFileSync(new URL('../../dist/wasm/numbers.wasm', import.meta.url));

before(() => useNumberKernel(() => new WebAssembly.Module(wasm)));
after(() => useNumberKernel(undefined));

const steps = new StepTexts(3000, (slot) => timeText(1_793_491_200_000_000 + slot * 15_500_000));

function printed(values: Float64Array, present = new Uint8Array(values.length).fill(1)): string {
  let text = '';
  for (let from = 0; from < values.length; from += PRINTED_SLOTS_MAX) {
    assert.ok(canPrint(steps));
    const to = Math.min(values.length, from + PRINTED_SLOTS_MAX);
    text += Buffer.from(printSlots({ present, values, from, to })).toString('latin1');
  }
  return text;
}

function expected(values: Float64Array, present = new Uint8Array(values.length).fill(1)): string {
  return Array.from(values, (value, slot) =>
    present[slot] === 1 ? `[${steps.at(slot)},"${floatText(value)}"],` : '',
  ).join('');
}

test('any double', () => {
  fc.assert(
    fc.property(fc.array(fc.double(), { minLength: 1, maxLength: 50 }), (values) => {
      const doubles = Float64Array.from(values);
      assert.equal(printed(doubles), expected(doubles));
    }),
    { numRuns: 2000 },
  );
});

test('any bits', () => {
  fc.assert(
    fc.property(fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { minLength: 1 }), (bits) => {
      const doubles = new Float64Array(BigUint64Array.from(bits).buffer);
      assert.equal(printed(doubles), expected(doubles));
    }),
    { numRuns: 2000 },
  );
});

test('decimals of few digits, their neighbours, powers of two and of ten, and what is special', () => {
  const values: number[] = [0, -0, Number.NaN, Infinity, -Infinity, 5e-324, 1.7976931348623157e308];
  for (let e = -1074; e < 1024; e++) values.push(2 ** e);
  for (let e = -323; e < 309; e++) values.push(Number(`1e${e}`), -Number(`3e${e}`));
  for (let n = 1; n < 1000; n += 7)
    for (const scale of [1, 10, 100, 1000, 1e6, 1e9]) {
      const value = n / scale;
      const bits = new BigUint64Array(Float64Array.of(value).buffer)[0]!;
      values.push(value, ...new Float64Array(BigUint64Array.of(bits - 1n, bits + 1n).buffer));
    }
  for (let from = 0; from < values.length; from += 3000) {
    const doubles = Float64Array.from(values.slice(from, from + 3000));
    assert.equal(printed(doubles), expected(doubles));
  }
});

test('slots without a float, and where the text of each slot ends', () => {
  const values = Float64Array.from({ length: 900 }, (_, k) => k / 3);
  const present = Uint8Array.from(values, (_, k) => (k % 7 < 4 ? 1 : 0));
  assert.equal(printed(values, present), expected(values, present));
  const ends = new Uint32Array(900);
  assert.ok(canPrint(steps));
  const text = printSlots({ present, values, from: 100, to: 900 }, ends, 5);
  let end = 5;
  for (let k = 100; k < 900; k++) {
    if (present[k] === 1) end += `[${steps.at(k)},"${floatText(values[k]!)}"],`.length;
    assert.equal(ends[k], end);
  }
  assert.equal(text.length + 5, end);
});

function answer(isPrinted: boolean): string {
  useNumberKernel(isPrinted ? () => new WebAssembly.Module(wasm) : undefined);
  const many = Array.from({ length: 2500 }, (_, k) => (k % 3 === 0 ? undefined : k / 7));
  const series = [[1.5, undefined, 2], many, [undefined, -0]].map((slots, i) =>
    seriesSlots(['a', `"${i}" ü`], [...slots, ...many.slice(slots.length)]),
  );
  const all = Array.from({ length: 12 }, () => series).flat();
  const result = evalResult({ type: 'matrix', startUs: 1e15, stepUs: 1e6, series: all });
  const pieces = [...prometheusJson(result, { seriesMax: 0 })];
  if (isPrinted) assert.ok(pieces.filter((piece) => typeof piece !== 'string').length > 3);
  return Buffer.concat(pieces.map((piece) => Buffer.from(piece))).toString();
}

test('an answer of many pieces is the same with the kernel and without', () => {
  const text = answer(true);
  assert.equal(text, answer(false));
  assert.equal((JSON.parse(text) as { data: { result: [] } }).data.result.length, 36);
});
