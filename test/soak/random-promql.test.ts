// Fifty thousand random expressions answer as the newest Prometheus does. It has to be there, or Go
// to build it; ORRERY_SOAK_PEERS=omit leaves the test out, and says so. PEERS_RANDOM sets how many,
// PEERS_SEED which.
import { test } from 'node:test';
import { checkRandomExpressions, randomRun } from '../differential/random-run.ts';
import { NEEDS_PEER, skipUnless } from '../support/skip.ts';

const isOmitted = process.env['ORRERY_SOAK_PEERS'] === 'omit';
const skip = skipUnless(!isOmitted, NEEDS_PEER, 'ORRERY_SOAK_PEERS=omit');

test('many random expressions answer as Prometheus does', { skip, timeout: 6 * 3_600_000 }, () =>
  checkRandomExpressions(randomRun(50_000)),
);
