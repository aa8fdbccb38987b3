// Scrapes through the real ingest path into the memory storage: labels, report series, staleness, a
// target that goes down, and when rounds happen.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { MemoryStorage } from '../../../test/contract/memory-storage.ts';
import { withContext } from '../../../test/contract/contexts.ts';
import { Ingest } from '../../ingest/ingest.ts';
import { NUMERIC_KINDS } from '../../model/columns.ts';
import { labelsToObject } from '../../model/labels.ts';
import { matcher } from '../../model/matcher.ts';
import { openPrincipal } from '../../model/tenant.ts';
import { seededPrng } from '../../stdx/prng.ts';
import { silentLogger } from '../../telemetry/logger.ts';
import { ScrapeLoop } from '../../agent/scrape-loop.ts';
import { parseRelabelConfig } from '../../relabel/parse.ts';
import { Relabeller } from '../../relabel/relabelling.ts';
import { Scraper } from '../../agent/scrape.ts';

const STALE_BITS = 0x7ff0000000000002n;

function setup(pages: readonly (string | Error)[], rules = '') {
  const storage = new MemoryStorage();
  const ingest = new Ingest({ storage, prng: seededPrng(1) });
  let at = 0;
  const target = {
    job: 'node',
    url: 'http://127.0.0.1/metrics',
    instance: 'h:1',
    relabelling: rules === '' ? undefined : new Relabeller(parseRelabelConfig(rules), 0),
    async collect() {
      const page = pages[at++]!;
      if (page instanceof Error) throw page;
      return page;
    },
  };
  const principal = openPrincipal('default');
  const scraper = new Scraper(ingest, principal, target);
  async function samples(name: string) {
    const found: (readonly [string, number, number | 'stale'])[] = [];
    await withContext(storage, async (context) => {
      const request = {
        matchers: [matcher('__name__', '=', name)],
        startUs: 0,
        endUs: 1e15,
        kinds: NUMERIC_KINDS,
      };
      for await (const series of storage.select(context, request))
        for (const chunk of series.chunks)
          for (let i = 0; i < chunk.count; i++) {
            const value = Number(chunk.values[i]);
            const bits = new BigUint64Array(Float64Array.of(value).buffer)[0];
            const labels = labelsToObject(series.labels);
            const own = labels['cpu'] ?? labels['le'] ?? labels['quantile'] ?? '';
            const key = `${labels['job']} ${labels['instance']} ${own}`.trim();
            found.push([key, chunk.tUs[i]!, bits === STALE_BITS ? 'stale' : value]);
          }
    });
    return found;
  }
  return { scraper, samples };
}

test('samples get the target’s labels, and the report stands beside them', async () => {
  const { scraper, samples } = setup(['# TYPE a gauge\na{cpu="0"} 1\na{cpu="1"} 2\n']);
  assert.equal((await scraper.scrape(1000, () => 0.25)).up, true);
  assert.deepEqual(await samples('a'), [
    ['node h:1 0', 1000, 1],
    ['node h:1 1', 1000, 2],
  ]);
  const report = {
    up: 1,
    scrape_duration_seconds: 0.25,
    scrape_samples_scraped: 2,
    scrape_samples_post_metric_relabeling: 2,
    scrape_series_added: 2,
  };
  for (const [name, value] of Object.entries(report))
    assert.deepEqual(await samples(name), [['node h:1', 1000, value]], name);
});

test('behind rules a series ends where nothing of the page becomes it any more', async () => {
  const rules =
    '- {action: labeldrop, regex: pod}\n- {source_labels: [cpu], regex: x, action: drop}\n' +
    '- {source_labels: [cpu], regex: n, target_label: __name__, replacement: ""}\n';
  const pages = ['a{pod="1"} 1\na{cpu="x"} 5\n', 'a{pod="2"} 2\n', '', 'a{cpu="n"} 1\n'];
  const { scraper, samples } = setup(pages, rules);
  for (const tUs of [1000, 2000, 3000]) assert.equal((await scraper.scrape(tUs, () => 0)).up, true);
  assert.deepEqual(await samples('a'), [
    ['node h:1', 1000, 1],
    ['node h:1', 2000, 2],
    ['node h:1', 3000, 'stale'],
  ]);
  const counts = async (name: string) => (await samples(name)).map(([, , value]) => value);
  assert.deepEqual(await counts('scrape_samples_scraped'), [2, 1, 0]);
  assert.deepEqual(await counts('scrape_samples_post_metric_relabeling'), [1, 1, 0]);
  const nameless = await scraper.scrape(4000, () => 0);
  assert.equal(nameless.up, false);
  assert.match(String(nameless.reason), /relabelling leaves a series without a name/);
});

test('a series that vanishes goes stale once', async () => {
  const page = (cpus: readonly number[]) => cpus.map((cpu) => `a{cpu="${cpu}"} 1\n`).join('');
  const { scraper, samples } = setup([page([0, 1]), page([0]), page([0])]);
  for (const tUs of [1000, 2000, 3000]) await scraper.scrape(tUs, () => 0);
  const gone = (await samples('a')).filter(([key]) => key.endsWith(' 1'));
  assert.deepEqual(gone, [
    ['node h:1 1', 1000, 1],
    ['node h:1 1', 2000, 'stale'],
  ]);
  assert.deepEqual(
    (await samples('scrape_series_added')).map(([, , value]) => value),
    [2, 0, 0],
  );
});

test('a histogram and a summary that vanish go stale in the series they had', async () => {
  const buckets = '# TYPE h histogram\nh{le="1"} 1\nh{le="+Inf"} 2\n';
  const page = `h{le="1"} 9\n${buckets}# TYPE s summary\ns{quantile="1"} 3\n`;
  const { scraper, samples } = setup([page, 'h{le="1"} 9\n', '']);
  for (const tUs of [1000, 2000, 3000]) await scraper.scrape(tUs, () => 0);
  const series = async (name: string, key: string) =>
    (await samples(name)).filter(([own]) => own === `node h:1 ${key}`).map(([, , value]) => value);
  assert.deepEqual(await series('h', '1.0'), [1, 'stale']);
  assert.deepEqual(await series('h', '+Inf'), [2, 'stale']);
  assert.deepEqual(await series('h', '1'), [9, 9, 'stale']);
  assert.deepEqual(await series('s', '1.0'), [3, 'stale']);
});

test('a series that is only spelled another way, or has another type, does not go stale', async () => {
  const pages = ['# TYPE a counter\na{cpu="0"} 1\n', '# TYPE a gauge\na{cpu="0",} 2\n'];
  const { scraper, samples } = setup(pages);
  for (const tUs of [1000, 2000]) await scraper.scrape(tUs, () => 0);
  assert.deepEqual(
    (await samples('a')).map(([, , value]) => value),
    [1, 2],
  );
});

test('a page with a bad line is refused whole: the target is down and told why', async () => {
  const { scraper, samples } = setup(['a 1\n', 'a 2\nb 3\nc{ 4\n', 'a 5\n']);
  await scraper.scrape(1000, () => 0);
  const { up, reason } = await scraper.scrape(2000, () => 0);
  assert.equal(up, false);
  assert.match(reason ?? '', /^the page has 1 bad lines, line 3: /);
  await scraper.scrape(3000, () => 0);
  const values = async (name: string) => (await samples(name)).map(([, , value]) => value);
  assert.deepEqual(await values('up'), [1, 0, 1]);
  assert.deepEqual(await values('a'), [1, 'stale', 5]);
  assert.deepEqual(await values('b'), []);
  assert.deepEqual(await values('scrape_samples_scraped'), [1, 0, 1]);
});

/** Lines of series by number, some with a time of their own, in any order; or a target is down. */
const pages = fc.array(
  fc.oneof(
    { weight: 1, arbitrary: fc.constant(undefined) },
    {
      weight: 6,
      arbitrary: fc.uniqueArray(fc.record({ i: fc.nat(7), isTimed: fc.boolean() }), {
        selector: ({ i }) => i,
        comparator: 'IsStrictlyEqual',
      }),
    },
    // As the one before, which is what nearly all are.
    { weight: 6, arbitrary: fc.constant('again' as const) },
  ),
  { minLength: 2, maxLength: 12 },
);

test('whatever pages hold in whatever order, a series ends where the next page has it not', async () => {
  await fc.assert(
    fc.asyncProperty(pages, async (list) => {
      const expected: (readonly [number, number, number | 'stale'])[] = [];
      const texts: (string | Error)[] = [];
      let before: readonly { readonly i: number; readonly isTimed: boolean }[] = [];
      for (const [k, one] of list.entries()) {
        const page = one === 'again' ? before : (one ?? []);
        const tUs = (k + 1) * 1e6;
        for (const { i, isTimed } of page)
          expected.push([i, isTimed ? tUs - 1000 : tUs, i * 10 + k]);
        for (const { i, isTimed } of before)
          if (!isTimed && !page.some((other) => other.i === i)) expected.push([i, tUs, 'stale']);
        const lines = page.map(
          ({ i, isTimed }) => `m{cpu="${i}"} ${i * 10 + k}${isTimed ? ` ${tUs / 1000 - 1}` : ''}\n`,
        );
        texts.push(one === undefined ? new Error('down') : lines.join(''));
        before = page;
      }
      const { scraper, samples } = setup(texts);
      for (const k of list.keys()) await scraper.scrape((k + 1) * 1e6, () => 0);
      const found = (await samples('m')).map(([key, tUs, v]) => [
        Number(key.split(' ')[2]),
        tUs,
        v,
      ]);
      const inOrder = (a: readonly unknown[], b: readonly unknown[]): number =>
        Number(a[0]) - Number(b[0]) || Number(a[1]) - Number(b[1]);
      assert.deepEqual(found.toSorted(inOrder), expected.toSorted(inOrder));
    }),
    { numRuns: 200 },
  );
});

test('a target that fails is down and all its series go stale', async () => {
  const { scraper, samples } = setup(['a 1\n', new Error('refused'), 'a 2\n']);
  await scraper.scrape(1000, () => 0);
  const outcome = await scraper.scrape(2000, () => 0);
  assert.deepEqual(outcome, { up: false, reason: 'refused' });
  await scraper.scrape(3000, () => 0);
  const values = async (name: string) => (await samples(name)).map(([, , value]) => value);
  assert.deepEqual(await values('up'), [1, 0, 1]);
  assert.deepEqual(await values('a'), [1, 'stale', 2]);
});

/** Four rounds from 1,000.3 s on; each round after the first starts `lateMs` late. */
async function fourRounds(timestampToleranceMs: number, lateMs: number) {
  const delays: number[] = [];
  const time = { ms: 1_000_300 };
  let next: (() => void) | undefined;
  const scheduler = {
    after(delayMs: number, task: () => void) {
      delays.push(delayMs);
      next = () => {
        time.ms += delayMs + lateMs;
        task();
      };
      return () => (next = undefined);
    },
    sleep: () => Promise.resolve(),
    yieldTurn: () => Promise.resolve(),
  };
  const { scraper, samples } = setup(['a 1\n', 'a 1\n', 'a 1\n', 'a 1\n']);
  const loop = new ScrapeLoop({
    scrapers: [scraper],
    clock: { nowMs: () => time.ms, monotonicMs: () => time.ms },
    scheduler,
    logger: silentLogger,
    intervalMs: 5000,
    timestampToleranceMs,
    onFatal: (error) => {
      throw error;
    },
  });
  loop.start();
  for (let round = 1; round <= 3; round++) {
    while (delays.length < round) await new Promise((resolve) => setImmediate(resolve));
    next?.();
  }
  while (delays.length < 4) await new Promise((resolve) => setImmediate(resolve));
  await loop.stop();
  return { delays, times: (await samples('a')).map(([, tUs]) => tUs / 1000) };
}

test('rounds: at once, after one second, then on whole multiples of the interval', async () => {
  const { delays, times } = await fourRounds(0, 0);
  assert.deepEqual(delays, [1000, 3700, 5000, 5000]);
  assert.deepEqual(times, [1_000_300, 1_001_300, 1_005_000, 1_010_000]);
});

test('stamps within the tolerance of a whole multiple become that multiple, others stay', async () => {
  const late = await fourRounds(0, 2);
  assert.deepEqual(late.times, [1_000_300, 1_001_302, 1_005_002, 1_010_002]);
  const snapped = await fourRounds(2, 2);
  assert.deepEqual(snapped.times, [1_000_300, 1_001_302, 1_005_000, 1_010_000]);
  const tooLate = await fourRounds(2, 3);
  assert.deepEqual(tooLate.times, [1_000_300, 1_001_303, 1_005_003, 1_010_003]);
});
