// Thousands of seeds of the engine on a simulated machine; see test/sim/engine.sim.test.ts for what
// is checked. ORRERY_SIM_SEEDS chooses how many.
import { test } from 'node:test';
import { checkHolds } from '../sim/seeds.ts';
import type { SeededRun } from '../sim/seeds.ts';

const ENGINE: SeededRun = { run: 'engine', test: 'engine.sim.test.ts', seedCount: 20_000 };

test('tens of thousands of deaths', () => checkHolds(ENGINE));
test('thousands of damaged files', () =>
  checkHolds({ ...ENGINE, seedCount: 4000 }, { profile: 'damaged' }));
