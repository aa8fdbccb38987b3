// Thousands of seeds of the engine on a simulated machine; see test/sim/engine.sim.test.ts for what
// is checked. ORRERY_SIM_SEEDS chooses how many.
import { test } from 'node:test';
import { checkHolds } from '../sim/seeds.ts';
import type { SeededRun } from '../sim/seeds.ts';

const ENGINE: SeededRun = { run: 'engine', test: 'engine.sim.test.ts', seedCount: 5000 };

test('thousands of deaths', () => checkHolds(ENGINE));
test('thousands of deaths on failing and full disks', () => checkHolds(ENGINE, { faults: true }));
test('thousands of flipped bits', () => checkHolds(ENGINE, { flips: true }));
