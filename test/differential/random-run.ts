// Random expressions asked of the newest Prometheus and of Orrery over the same series: the answers
// are the same, or both refuse.
import assert from 'node:assert/strict';
import { FUNCTIONS } from '../../src/promql/signatures.ts';
import { randomInt, seededPrng } from '../../src/stdx/prng.ts';
import { askBoth } from './compare.ts';
import { RANDOM_METRICS, writeRandomSeries } from './random-data.ts';
import { RandomExpressions } from './random-expressions.ts';
import { startBoth } from './reference.ts';
import type { BothServers } from './reference.ts';

/** Of the questions, so many must have an answer that is not empty. */
const ANSWERED_MIN = 0.7;
/** In 4,000 expressions each function and way of matching is in at least so many. */
const USES_MIN = 50;
/** What was found to differ once: a remainder of a huge power shows its last bits. */
const FOUND = [
  '(deg(load) ^ 3) % 7',
  '(load * 1e6) ^ 5 % 11',
  '(requests_total + 0.1) ^ 7 % 3.25',
  '1e9 % abs(load) ^ -3',
  'load ^ 1000 % 10',
  'min_over_time(latency_bucket{job="b",le!~"10"}[30m]) ^ -1',
  'delta(latency{code=~".+"}[5m]) - on(job, instance) group_left() sum by (job, instance) (mixed{zone="z1"})',
  'idelta((rate(custom{instance=~".+"}[5m] smoothed))[5m:40s])',
];
const SLOWEST_MS = 30_000;
const TOLD_EVERY = 1000;

export interface RandomRun {
  readonly count: number;
  readonly seed: number;
}

/** What PEERS_RANDOM and PEERS_SEED choose. */
export function randomRun(countDefault: number): RandomRun {
  return {
    count: Number(process.env['PEERS_RANDOM'] ?? countDefault),
    seed: Number(process.env['PEERS_SEED'] ?? 1),
  };
}

/** Fails where an answer differs, too few answers say anything, or a function is not asked for. */
export async function checkRandomExpressions({ count, seed }: RandomRun): Promise<void> {
  const servers = await startBoth();
  try {
    await checkWith(servers, { count, seed });
  } finally {
    await servers.end();
  }
}

async function checkWith(servers: BothServers, { count, seed }: RandomRun): Promise<void> {
  const endMs = Math.floor(Date.now() / 60_000) * 60_000;
  const endSec = endMs / 1000;
  const prng = seededPrng(seed);
  const span = { startSec: endSec - 1800, endSec };
  const generator = new RandomExpressions(prng, RANDOM_METRICS, span);
  const largestInput = await writeRandomSeries(endMs, [servers.reference, servers.orrery]);
  const differing: string[] = [];
  for (const query of FOUND) {
    const { differences, isEmpty } = await askBoth(servers, {
      query,
      largestInput,
      ...span,
      stepSec: 15,
    });
    assert.ok(!isEmpty, `nothing answers ${query}`);
    differing.push(...differences.slice(0, 3).map((difference) => `${query}\n  ${difference}`));
  }
  let answered = 0;
  let refused = 0;
  for (let i = 0; i < count; i++) {
    const query = generator.next();
    const when =
      randomInt(prng, 2) === 0
        ? { timeSec: endSec - randomInt(prng, 1200) }
        : { ...span, stepSec: [15, 60, 61][randomInt(prng, 3)]! };
    const startMs = performance.now();
    const verdict = await askBoth(servers, { query, largestInput, ...when });
    assert.ok(performance.now() - startMs < SLOWEST_MS, `took too long: ${query}`);
    if (verdict.isError) refused++;
    else if (!verdict.isEmpty) answered++;
    if (verdict.differences.length > 0) {
      const told = `${JSON.stringify(when)} ${query}\n  ${verdict.differences.slice(0, 3).join('\n  ')}`;
      differing.push(told);
      console.log(told);
    }
    // A run of hours says how far it is, and what it found where it is ended early.
    const done = i + 1;
    if (done % TOLD_EVERY === 0 || done === count)
      console.log(
        `${done} random expressions of seed ${seed}: ${answered} answers not empty, ` +
          `${refused} refused by both, ${differing.length} differ`,
      );
  }
  assert.deepEqual(differing.slice(0, 60), []);
  assert.ok(answered > count * ANSWERED_MIN, `only ${answered} answers are not empty`);
  checkUses(generator, count);
}

function checkUses(generator: RandomExpressions, count: number): void {
  const wanted = [
    ...[...FUNCTIONS.keys()].map((name) => `function ${name}`),
    ...['on', 'ignoring', 'one-to-one', 'group_left', 'group_right'].map(
      (name) => `matching ${name}`,
    ),
  ];
  const rare = wanted.filter((name) => (generator.used.get(name) ?? 0) < (USES_MIN * count) / 4000);
  assert.deepEqual(rare, [], 'every function is asked for often enough');
}
