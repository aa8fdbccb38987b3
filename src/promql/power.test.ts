// Powers against Go's, bit by bit, and near the runtime's own elsewhere.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededPrng } from '../stdx/prng.ts';
import { power } from './power.ts';

/** base, exponent, and what Go 1.26's math.Pow says; the runtime's own says another last bit. */
const OF_GO: readonly (readonly [number, number, number])[] = [
  [7.258699779405057e-47, 4, 2.7761014773684793e-185],
  [-3434.8074526720875, 7, -5.640489248833876e24],
  [-1193.42810700314, 7, -3.448052210941779e21],
  [-138194519.5196831, 10, 2.540435672859214e81],
  [-2131.886657298021, 3, -9689298478.251791],
  [41582131461.2957, 10, 1.5454945252610637e106],
  [475.67481498731644, 100, 5.382893573127796e267],
  [0.3319308529698163, 3, 0.03657150777509101],
  [-362195.93838047393, 4, 1.7209739776164117e22],
  [34863292090.31569, 4, 1.477316600683029e42],
  [-0.9981171057635657, 1000, 0.1518793064489464],
  [-4.030657867612684, 5, -1063.8482378180745],
  [-31560930.59979732, 5, -3.131475377741932e37],
  [-1507112522.2573745, 10, 6.0458418578682354e91],
  [-433848585.1293106, -3, -1.2245751540752867e-26],
  [1.099497178047082, -3, 0.7523460460230819],
  [1511.7401081383052, 7, 1.8044296253750257e22],
  [-33727646122.72578, 3, -3.8367022568034573e31],
  [-1.1376580228015598e-19, -3, -6.79148582410321e56],
  [-484097286.165709, -2, 4.267118503802289e-18],
  [-6.504236309049677, 100, 2.0875224120624845e81],
  [145497.5238914008, 5, 6.520456656006075e25],
  [-8997553.368288659, -2, 1.2352394045928318e-14],
  [10447361.43263163, -2, 9.161925599641289e-15],
  [261.6018093902942, 100, 5.808638507265104e241],
  [3.3369708236991526e-63, 5, 4.13772904014e-313],
  [1.8946532155118534, 1000, 3.386345440212519e277],
  [-7.413627386196426e104, -3, -2.454187485e-315],
  [1.1124652056320027e-80, 4, 1.5316e-320],
  [5.861979326346249e153, -2, 2.9101236010538416e-308],
  [-1.906210651169159, 1000, 1.4821490755154853e280],
  [-9.426711748816379e118, -1, -1.0608152945013517e-119],
  [4.951842295125896e-34, -1, 2.0194504194616638e33],
  [2.432545823975777e16, -5.711203255124309, 2.6054029806879983e-94],
  [5.948344201685204e18, 5.772799202907038, 2.4033597835330377e108],
  [4.432376204906572e15, -3.6841491504127597, 2.26702865235205e-58],
  [3.463841406816752e19, 5.609167845293484, 3.9871304212777814e109],
  [2.041678369304687e7, 3.3142615302673173, 1.6873679147481676e24],
  [2.3404588634726962e-11, -5.841469177273052, 1.2557421437445743e62],
  [302.7161718599687, 5.87765706540708, 3.825397389617075e14],
  [0.030216205071827616, 2.4019267689009918, 0.00022369052040168121],
  [1.719436973448034e-11, -0.08728727796779667, 8.701894859477237],
  [0.00015198917168575112, 0.775872584432908, 0.0010903680354138006],
  [5.423015992596887e10, 1.037115789506029, 1.3572214362951047e11],
  [4.745879334620238e-9, 5.672302319970738, 6.103119324230814e-48],
  [1.1753817332667106e-7, 4.075590348902468, 5.713314826360567e-29],
  [1.5599969463142028e15, 5.033969709984134, 3.0319689442859783e76],
];

test('the bits are those that Go gives', () => {
  for (const [base, exponent, expected] of OF_GO)
    assert.ok(Object.is(power(base, exponent), expected), `${base} ^ ${exponent}`);
});

test('special cases', () => {
  const cases: readonly (readonly [number, number, number])[] = [
    [1, Number.NaN, 1],
    [Number.NaN, 0, 1],
    [Number.NaN, 2, Number.NaN],
    [-1, Infinity, 1],
    [-1, -Infinity, 1],
    [0.5, Infinity, 0],
    [0.5, -Infinity, Infinity],
    [-0, -3, -Infinity],
    [-0, -2, Infinity],
    [-0, 3, -0],
    [0, 2, 0],
    [-Infinity, 3, -Infinity],
    [-Infinity, 2, Infinity],
    [-Infinity, -3, -0],
    [-Infinity, 0.5, Infinity],
    [-Infinity, -0.5, 0],
    [-4, 0.5, Number.NaN],
    [-8, 1 / 3, Number.NaN],
    [2, 1e19, Infinity],
    [0.5, 1e19, 0],
    [-1, 1e19, 1],
    [2, -1074, Number.MIN_VALUE],
    [2, -1075, 0],
    [-2, -1075, -0],
    [2, 1023, 2 ** 1023],
    [2, 1024, Infinity],
    [-2, 1025, -Infinity],
    [Number.MIN_VALUE, -1, Infinity],
    [Number.MAX_VALUE, -1, 1 / Number.MAX_VALUE],
  ];
  for (const [base, exponent, expected] of cases)
    assert.ok(Object.is(power(base, exponent), expected), `${base} ^ ${exponent}`);
});

test('a remainder of a huge power is the one of Go', () => {
  // deg(-7.5) ^ 3 % 7 where the runtime's own power is one unit in the last place away.
  const [base, exponent, cube] = OF_GO.find(([, by]) => by === 3)!;
  assert.notEqual(base ** exponent, cube);
  assert.equal(power(base, exponent) % 7, cube % 7);
});

test("near the runtime's own power wherever it is finite", () => {
  const prng = seededPrng(3);
  const view = new DataView(new ArrayBuffer(8));
  for (let i = 0; i < 20_000; i++) {
    view.setUint32(0, prng.u32());
    view.setUint32(4, prng.u32());
    const base = i % 2 === 0 ? view.getFloat64(0) : (prng.u32() / 2 ** 32) * 20;
    const exponent = (prng.u32() % 41) - 20;
    const expected = base ** exponent;
    const found = power(base, exponent);
    if (!Number.isFinite(expected) || Math.abs(expected) < 1e-300) continue;
    assert.ok(Math.abs(found - expected) <= 1e-13 * Math.abs(expected), `${base} ^ ${exponent}`);
  }
});
