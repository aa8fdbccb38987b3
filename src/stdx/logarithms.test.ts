// Logarithms beside what Go 1.26 on amd64 says of the same numbers, to the bit.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ln, log10, log2 } from './logarithms.ts';

/** A number, its natural, binary and decimal logarithm. */
const ROWS: readonly (readonly [number, number, number, number])[] = [
  [0.9793855668801459, -0.020829876518293555, -0.03005115955527158, -0.00904630043062101],
  [44387.0, 10.700701912755346, 15.437849583563182, 4.647255793201219],
  [1e-14, -32.23619130191664, -46.50699332842307, -14.0],
  [0.0016260375158386848, -6.421609195651167, -9.264423741092905, -2.7888694386104813],
  [13239.0, 9.490922297937656, 13.692506532697143, 4.121855182166855],
  [100000000000000.0, 32.23619130191664, 46.50699332842307, 14.0],
  [0.12876742934360955, -2.0497473750578643, -2.957160373071151, -0.8901939742833056],
  [1887.0, 7.54274354536855, 10.881878707600446, 3.2757719001649312],
  [1e-18, -41.44653167389282, -59.794705707972525, -18.0],
  [0.42298864569459305, -0.8604099426256882, -1.2413091573576378, -0.37367129025702983],
  [7815.0, 8.963800242855577, 12.932030157887027, 3.8929289823552056],
  [1e-15, -34.538776394910684, -49.82892142331043, -14.999999999999998],
  [0.7540910098783825, -0.2822422155016971, -0.4071894446338125, -0.12257623675253548],
  [86681.0, 11.369989992270412, 16.403428176805665, 4.937923912938237],
  [1e19, 43.74911676688687, 63.11663380285989, 19.0],
  [0.05141492017512723, -2.9678268728621955, -4.281669111695289, -1.2889108341282351],
  [7338.0, 8.900821604915228, 12.841171189248543, 3.8655777074199293],
  [100000000000.0, 25.328436022934504, 36.541209043760986, 11.0],
];

test('the last bits are the reference’s', () => {
  for (const [value, natural, binary, decimal] of ROWS)
    assert.deepEqual(
      [ln(value), log2(value), log10(value)],
      [natural, binary, decimal],
      `${value}`,
    );
});

test('what has no logarithm, and powers of two', () => {
  for (const each of [ln, log2, log10]) {
    assert.deepEqual([0, -0].map(each), [-Infinity, -Infinity]);
    assert.deepEqual([-1, -Infinity, Number.NaN].map(each), [Number.NaN, Number.NaN, Number.NaN]);
    assert.equal(each(Infinity), Infinity);
    assert.ok(Math.abs(each(Number.MIN_VALUE) - each(2) * -1074) < 1e-9);
  }
  for (let power = -1074; power <= 1023; power++) assert.equal(log2(2 ** power), power);
});
