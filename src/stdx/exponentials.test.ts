// Exponentials and hyperbolic functions beside what Go 1.26 on amd64 says of the same numbers, to
// the bit, and near what the engine says of any.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acosh, asinh, cosh, exp, exp2, sinh, tanh } from './exponentials.ts';
import { randomUnit, seededPrng } from './prng.ts';

type Rows = readonly (readonly [value: number, expected: number])[];

const OF_GO: readonly (readonly [(value: number) => number, Rows])[] = [
  [
    exp,
    [
      [-4.954083109688785, 0.007054545559676169],
      [1.1815615007099112, 3.2594598801287487],
      [-14.88519694866762, 3.4311610494794376e-7],
      [-1.3595075527946165, 0.2567871999616719],
      [-13.542492524251323, 1.3139239395382525e-6],
    ],
  ],
  [
    exp,
    [
      [-538.6746638775425, 1.139110714585039e-234],
      [194.7232286448113, 3.691677025676392e84],
      [114.12726784273045, 3.6714926133631367e49],
      [-347.19983330877466, 1.6331582769487364e-151],
      [-651.3543872007954, 1.3194224678751292e-283],
    ],
  ],
  [
    exp2,
    [
      [30.837543273794815, 1.918781479897014e9],
      [13.533370710730042, 11856.336763545742],
      [-7.850125279182878, 0.0043338793932192156],
      [-20.965536482101253, 4.8836512617119e-7],
      [18.249681073405437, 311674.60259468097],
    ],
  ],
  [
    exp2,
    [
      [892.9983596575041, 6.596177528144805e268],
      [-962.3930608805945, 1.9535343680723225e-290],
      [-249.76087702160703, 6.5235541721365e-76],
      [18.252528414844935, 312290.33932658716],
      [984.9191097348772, 3.0916856689697967e296],
    ],
  ],
  [
    sinh,
    [
      [-0.5312711320188319, -0.5566179993112756],
      [0.8866835762926857, 1.0075235921617827],
      [0.9330961742316837, 1.0745173139513988],
      [0.881401314086997, 1.0000392123792385],
      [0.1599452010300475, 0.16062803935960956],
    ],
  ],
  [
    sinh,
    [
      [18.27196557159904, 4.30907274276944e7],
      [12.978110378235668, 216417.17672098923],
      [-2.913825741917049, -9.186446866056718],
      [-13.687378144601807, -439868.44125606096],
      [11.672330861687152, 58640.66524489999],
    ],
  ],
  [
    cosh,
    [
      [-13.218738662258772, 275293.0599317918],
      [14.420462238799306, 915581.8632232281],
      [-9.20414029707257, 4969.095579808537],
      [16.026013571385896, 4.560151437083944e6],
      [-14.106921375905008, 669157.137272998],
    ],
  ],
  [
    tanh,
    [
      [0.9535769274846837, 0.7413981209891082],
      [-0.27316345412284027, -0.2665659730728604],
      [0.8840770739946979, 0.7084559422580691],
      [0.31425141017821656, 0.30429980758993974],
      [0.052048136873246165, 0.05200118813044026],
    ],
  ],
  [
    tanh,
    [
      [13.609660657434691, 0.9999999999969812],
      [0.20296793684360548, 0.2002259568364992],
      [-12.75476403548156, -0.9999999999833128],
      [11.404213811520702, 0.999999999751426],
      [-9.943632781890717, -0.9999999953857587],
    ],
  ],
  [
    asinh,
    [
      [-7.260439052571501, -2.6802966716558476],
      [4.738480798918756, 2.2598165414454994],
      [-17.526556764190843, -3.557677303401772],
      [19.10476433529876, 3.643769169968783],
      [-14.690929103301782, -3.3815337630454776],
    ],
  ],
  [
    acosh,
    [
      [18.12494064240326, 3.5896742324359106],
      [19.69315760889591, 3.6727731740680687],
      [18.34111999017343, 3.60154871363603],
      [4.400991387717784, 2.161812283563915],
      [5.614504604344698, 2.4104736907421485],
    ],
  ],
  // Where results end: e^x from 709.437 on, the smallest numbers.
  [
    exp,
    [
      [709.4, 1.2260423226426727e308],
      [709.5, Infinity],
      [709.7827, Infinity],
      [-708.3, 2.4502955309659886e-308],
      [-709, 1.216780750623423e-308],
      [-744.2, 5e-324],
      [-745.2, 0],
      [-746, 0],
      [1e-300, 1],
      [-1e-20, 1],
    ],
  ],
  [
    exp2,
    [
      [1023.5, 1.2711610061536462e308],
      [1023.99999999999, 1.7976931348498497e308],
      [1024, Infinity],
      [-1022.5, 1.5733648139913585e-308],
      [-1073.9, 5e-324],
      [-1074, 5e-324],
      [-1074.1, 0],
      [0, 1],
      [0.5, 1.414213562373095],
    ],
  ],
];

test('the last bits are the reference’s', () => {
  for (const [fn, rows] of OF_GO)
    for (const [value, expected] of rows)
      assert.ok(Object.is(fn(value), expected), `${fn.name}(${value}): ${fn(value)}`);
});

test('zeros, infinities and what is no number', () => {
  for (const fn of [sinh, tanh, asinh]) {
    assert.ok(Object.is(fn(0), 0), fn.name);
    assert.ok(Object.is(fn(-0), -0), fn.name);
  }
  for (const fn of [exp, exp2, sinh, cosh, tanh, asinh, acosh])
    assert.ok(Number.isNaN(fn(Number.NaN)), fn.name);
  assert.deepEqual([Infinity, -Infinity].map(exp), [Infinity, 0]);
  assert.deepEqual([Infinity, -Infinity].map(exp2), [Infinity, 0]);
  assert.deepEqual([Infinity, -Infinity].map(sinh), [Infinity, -Infinity]);
  assert.deepEqual([Infinity, -Infinity].map(cosh), [Infinity, Infinity]);
  assert.deepEqual([Infinity, -Infinity].map(tanh), [1, -1]);
  assert.deepEqual([Infinity, -Infinity].map(asinh), [Infinity, -Infinity]);
  assert.deepEqual([Infinity, 1, 0.5].map(acosh), [Infinity, 0, Number.NaN]);
});

test('near the engine’s own', () => {
  const prng = seededPrng(5);
  for (let i = 0; i < 20_000; i++) {
    const value = (randomUnit(prng) - 0.5) * 10 ** (randomUnit(prng) * 12 - 9);
    for (const [own, engines] of [
      [exp, Math.exp],
      [(x: number) => exp2(x), (x: number) => 2 ** x],
      [sinh, Math.sinh],
      [cosh, Math.cosh],
      [tanh, Math.tanh],
      [asinh, Math.asinh],
    ] as const) {
      const [a, b] = [own(value), engines(value)];
      const isNear = a === b || Math.abs(a - b) <= 2e-15 * Math.abs(b) + 1e-322;
      assert.ok(isNear || Math.abs(value) > 709, `${engines.name}(${value}): ${a}, ${b}`);
    }
    const more = 1 + Math.abs(value);
    assert.ok(Math.abs(acosh(more) - Math.acosh(more)) <= 1e-15 * Math.max(1, acosh(more)));
  }
});
