// Half an hour of mixed writes, queries, deletes, retention, flushes and merges at half load:
// memory and open files of the server stay flat. ORRERY_SOAK_MINUTES chooses how long,
// ORRERY_SOAK_LINES_PER_SECOND how much, so that two runs compare. Latency is a figure of the
// machine, printed and not judged; its floor is in docs/benchmarks.md.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startOrrery } from '../apptest/harness.ts';
import { steadyLoad } from '../support/steady-load.ts';
import type { Look } from '../support/steady-load.ts';

const MINUTES = Number(process.env['ORRERY_SOAK_MINUTES'] ?? 30);
const RATE = Number(process.env['ORRERY_SOAK_LINES_PER_SECOND'] ?? 0);
/** The head may fill and the caches grow for so long. */
const WARM_UP_SHARE = 0.3;
const RSS_GROWTH_MAX = 1.15;
const RSS_SLACK_MB = 48;
const OPEN_FILES_SLACK = 16;

/** The largest value of the looks from one share of the time to another. */
function peak(
  looks: readonly Look[],
  from: number,
  to: number,
  of: (look: Look) => number,
): number {
  const some = looks.slice(Math.floor(looks.length * from), Math.floor(looks.length * to));
  return Math.max(...some.map(of));
}

test(
  'memory and files are flat under steady work',
  { timeout: (MINUTES + 5) * 60_000 },
  async () => {
    // The oldest points go after some minutes, so that each compaction has as much to do.
    const retention = ['--retention-bytes', '64MB'];
    const server = await startOrrery(['--no-collect', '--memory', '1GiB', ...retention]);
    try {
      const { looks, ...figures } = await steadyLoad(server, MINUTES, RATE || undefined);
      const middle = (WARM_UP_SHARE + 1) / 2;
      const rss = (look: Look): number => look.rssMb;
      const openFiles = (look: Look): number => look.openFiles;
      const before = {
        rssMb: Math.round(peak(looks, WARM_UP_SHARE, middle, rss)),
        openFiles: peak(looks, WARM_UP_SHARE, middle, openFiles),
      };
      const after = {
        rssMb: Math.round(peak(looks, middle, 1, rss)),
        openFiles: peak(looks, middle, 1, openFiles),
      };
      console.log(JSON.stringify({ minutes: MINUTES, ...figures, before, after }));
      assert.ok(figures.writes > 0 && figures.queries > 0 && figures.deletes > 0);
      assert.ok(after.rssMb <= before.rssMb * RSS_GROWTH_MAX + RSS_SLACK_MB, 'memory grows');
      assert.ok(after.openFiles <= before.openFiles + OPEN_FILES_SLACK, 'open files grow');
    } finally {
      await server.stop();
    }
  },
);
