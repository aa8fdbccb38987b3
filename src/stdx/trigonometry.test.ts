// Trigonometric functions beside what Go 1.26 says of the same numbers, to the bit, and near what
// the engine says of any.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomUnit, seededPrng } from './prng.ts';
import { acos, asin, atan, atan2, cos, sin, tan } from './trigonometry.ts';

type Rows = readonly (readonly [value: number, expected: number])[];

const OF_GO: readonly (readonly [(value: number) => number, Rows])[] = [
  [
    sin,
    [
      [418892.15925276343, -0.9988092853264039],
      [-2.586124329347023e6, -0.1845057015666824],
      [1982.3554378750762, -0.010473268439521037],
      [-145785.3019222925, -0.30045298027542333],
      [-4777.372216593322, -0.8361409199681816],
    ],
  ],
  [
    cos,
    [
      [-0.4117542656981926, 0.9164201453086787],
      [-35.50449635053625, -0.5841392522122071],
      [-0.3539194504476836, 0.9380215299677762],
      [195689.07476491804, 0.7440882925857925],
      [352216.16079690075, 0.9366108295153696],
    ],
  ],
  [
    tan,
    [
      [44.42443979554594, 0.4734007032879257],
      [3.021985381013601e6, -0.6228735505423622],
      [-12056.163461754333, 3.213894167880324],
      [-0.7883092036450512, -1.0058390948290707],
      [1.8011394387251355e6, 31.018857901282104],
    ],
  ],
  [
    sin,
    [
      [1.1018689046813507e264, 0.7971534786971648],
      [9.075497764364676e102, 0.1327089538975798],
      [1.972047557833804e259, -0.9936671133674899],
      [8.535557474292705e243, -0.6544273051754381],
      [7.170775721666938e229, 0.998590030940893],
    ],
  ],
  [
    cos,
    [
      [1.6232945635949024e133, 0.3417924220180135],
      [3.391090510806931e36, -0.30725916078069565],
      [6.280359057887288e265, 0.45710792306943554],
      [1.4330325454757237e128, -0.9941198028001994],
      [2.0188920835052843e100, 0.5214108384252423],
    ],
  ],
  [
    tan,
    [
      [8.430756465613284e220, -0.9165630079549474],
      [5.1601788165602146e238, -0.43154146499679186],
      [2.5257090108187664e161, -0.9748013792328611],
      [2.9793790866512734e205, 0.20149083002680457],
      [1.4855232024044368e63, 0.3455056728254165],
    ],
  ],
  [
    asin,
    [
      [-0.8077741628577728, -0.9403664310980245],
      [-0.4515182568041819, -0.4684661899652419],
      [0.31816721094084244, 0.3237956073142246],
      [0.9474448311190258, 1.2451521269334855],
      [-0.5852951060382074, -0.6252439698030825],
    ],
  ],
  [
    acos,
    [
      [0.030491384406458266, 1.5403002156459782],
      [0.34247600553624835, 1.2212453151092628],
      [-0.6244632334007554, 2.245240437292532],
      [-0.10572806503304877, 1.6767223681843633],
      [-0.2644979158406896, 1.8384795863307162],
    ],
  ],
  [
    atan,
    [
      [354663.7160326984, 1.5707935072225672],
      [0.37405352716105955, 0.35794062777077434],
      [-4.372284265489972, -1.3459502401489316],
      [-3.0108795390618583e6, -1.5707959946660328],
      [-48716.64969693813, -1.5707757999317793],
    ],
  ],
];

const ATAN2_OF_GO: readonly (readonly [y: number, x: number, expected: number])[] = [
  [3, 1, 1.2490457723982544],
  [1, -3, 2.819842099193151],
  [-1, -3, -2.819842099193151],
  [-2, 0.1, -1.5208379310729538],
  [1e-320, -1e300, 3.141592653589793],
  [-1e-320, -1e300, 3.141592653589793],
];

test('the last bits are the reference’s', () => {
  for (const [fn, rows] of OF_GO)
    for (const [value, expected] of rows)
      assert.ok(Object.is(fn(value), expected), `${fn.name}(${value}): ${fn(value)}`);
  for (const [y, x, expected] of ATAN2_OF_GO)
    assert.ok(Object.is(atan2(y, x), expected), `atan2(${y}, ${x}): ${atan2(y, x)}`);
});

test('zeros keep their sign, and what is no angle is none', () => {
  for (const fn of [sin, tan, asin, atan]) {
    assert.ok(Object.is(fn(0), 0), fn.name);
    assert.ok(Object.is(fn(-0), -0), fn.name);
  }
  for (const fn of [sin, cos, tan, asin, acos])
    for (const value of [Infinity, -Infinity, Number.NaN])
      assert.ok(Number.isNaN(fn(value)), fn.name);
  assert.ok([asin, acos].every((fn) => Number.isNaN(fn(1.0000001)) && Number.isNaN(fn(-2))));
  assert.deepEqual([Infinity, -Infinity].map(atan), [Math.PI / 2, -Math.PI / 2]);
  assert.ok(Number.isNaN(atan(Number.NaN)));
  for (const y of [0, -0, 1, -1, Infinity, -Infinity, Number.NaN])
    for (const x of [0, -0, 1, Infinity, -Infinity, Number.NaN])
      assert.ok(Object.is(atan2(y, x), Math.atan2(y, x)), `${y} ${x}`);
});

test('near the engine’s own, for angles of any size', () => {
  const prng = seededPrng(3);
  for (let i = 0; i < 20_000; i++) {
    const value = (randomUnit(prng) - 0.5) * 2 ** (randomUnit(prng) * 1000 - 20);
    // Below 2^29 the angle is told to about 2^-83 of a turn, of which large ones are many.
    const near = (a: number, b: number): boolean =>
      Math.abs(a - b) <= 1e-13 * Math.max(1, Math.abs(b));
    assert.ok(near(sin(value), Math.sin(value)), `sin(${value})`);
    assert.ok(near(cos(value), Math.cos(value)), `cos(${value})`);
    assert.ok(near(atan(value), Math.atan(value)), `atan(${value})`);
    const unit = randomUnit(prng) * 2 - 1;
    assert.ok(near(asin(unit), Math.asin(unit)), `asin(${unit})`);
    assert.ok(near(acos(unit), Math.acos(unit)), `acos(${unit})`);
    assert.ok(near(tan(unit), Math.tan(unit)), `tan(${unit})`);
  }
});
