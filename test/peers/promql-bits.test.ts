// Functions over windows that overlap as they usually do give the bits that the newest Prometheus
// gives, and so do sums and extremes of groups; what may round otherwise is a few steps of a double
// apart. PEERS_SEED chooses the data.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareBits, SLIDING } from '../differential/bits-run.ts';

const TIMEOUT_MS = 1_800_000;
const COMPARED_MIN = 500;

/**
 * What may differ, by how many steps of a double. Deviations, and growth over hundreds of resets,
 * are only as good as the order they are added up in: where values lie far from zero and close
 * together, that of the reference (of creation, or of a map) decides half of the digits.
 */
const MAY_DIFFER: readonly (readonly [RegExp, furthest: number])[] = [
  [/^avg(?:_over_time sliding$| by |\()/, 2],
  [/^(?:rate|increase) sliding$/, Infinity],
  [/^std(?:dev|var)(?:_over_time sliding$| by |\()/, Infinity],
];

test(
  'bits of functions and aggregations are those of Prometheus',
  { timeout: TIMEOUT_MS },
  async () => {
    const found = await compareBits(Number(process.env['PEERS_SEED'] ?? 1));
    let compared = 0;
    for (const [name, one] of found) {
      const allowed = MAY_DIFFER.find(([pattern]) => pattern.test(name))?.[1] ?? 0;
      assert.ok(one.compared > COMPARED_MIN, `${name}: only ${one.compared} values`);
      assert.ok(one.furthest <= allowed, `${name} is ${one.furthest} steps apart: ${one.example}`);
      compared += one.compared;
    }
    assert.ok([...found.keys()].some((name) => name.endsWith(SLIDING)));
    console.log(`${compared} values compared, ${found.size} kinds`);
  },
);
