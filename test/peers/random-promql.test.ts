// Random expressions answer as the newest Prometheus does. PEERS_RANDOM sets how many, PEERS_SEED
// which; test/soak asks for more.
import { test } from 'node:test';
import { checkRandomExpressions, randomRun } from '../differential/random-run.ts';

test('random expressions answer as Prometheus does', { timeout: 3 * 3_600_000 }, () =>
  checkRandomExpressions(randomRun(4000)),
);
