// Random expressions asked of the newest Prometheus and of Orrery over the same series: the answers
// are the same, or both refuse. PEERS_RANDOM sets how many, PEERS_SEED which.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FUNCTIONS } from '../../src/promql/signatures.ts';
import { randomInt, seededPrng } from '../../src/stdx/prng.ts';
import { askBoth } from '../differential/compare.ts';
import { RANDOM_METRICS, writeRandomSeries } from '../differential/random-data.ts';
import { RandomExpressions } from '../differential/random-expressions.ts';
import { startBoth } from '../differential/reference.ts';

const EXPRESSIONS = Number(process.env['PEERS_RANDOM'] ?? 4000);
const SEED = Number(process.env['PEERS_SEED'] ?? 1);
/** Of the questions, so many must have an answer that is not empty. */
const ANSWERED_MIN = 0.7;
/** In 4,000 expressions each function and way of matching is in at least so many. */
const USES_MIN = 50;
const SLOWEST_MS = 30_000;

test('random expressions answer as Prometheus does', { timeout: 3 * 3_600_000 }, async () => {
  const endMs = Math.floor(Date.now() / 60_000) * 60_000;
  const endSec = endMs / 1000;
  const prng = seededPrng(SEED);
  const generator = new RandomExpressions(prng, RANDOM_METRICS, {
    startSec: endSec - 1800,
    endSec,
  });
  const servers = await startBoth();
  try {
    const largestInput = await writeRandomSeries(endMs, [servers.reference, servers.orrery]);
    const differing: string[] = [];
    let answered = 0;
    let refused = 0;
    for (let i = 0; i < EXPRESSIONS; i++) {
      const query = generator.next();
      const when =
        randomInt(prng, 2) === 0
          ? { timeSec: endSec - randomInt(prng, 1200) }
          : { startSec: endSec - 1800, endSec, stepSec: [15, 60, 61][randomInt(prng, 3)]! };
      const startMs = performance.now();
      const verdict = await askBoth(servers, { query, largestInput, ...when });
      assert.ok(performance.now() - startMs < SLOWEST_MS, `took too long: ${query}`);
      if (verdict.isError) refused++;
      else if (!verdict.isEmpty) answered++;
      if (verdict.differences.length > 0)
        differing.push(
          `${JSON.stringify(when)} ${query}\n  ${verdict.differences.slice(0, 3).join('\n  ')}`,
        );
    }
    console.log(
      `${EXPRESSIONS} random expressions: ${answered} answers not empty, ` +
        `${refused} refused by both, ${differing.length} differ`,
    );
    assert.deepEqual(differing.slice(0, 60), []);
    assert.ok(answered > EXPRESSIONS * ANSWERED_MIN, `only ${answered} answers are not empty`);
    const wanted = [
      ...[...FUNCTIONS.keys()].map((name) => `function ${name}`),
      ...['on', 'ignoring', 'one-to-one', 'group_left', 'group_right'].map(
        (name) => `matching ${name}`,
      ),
    ];
    const rare = wanted.filter(
      (name) => (generator.used.get(name) ?? 0) < (USES_MIN * EXPRESSIONS) / 4000,
    );
    assert.deepEqual(rare, [], 'every function is asked for often enough');
  } finally {
    await servers.end();
  }
});
