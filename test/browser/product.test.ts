// The console on the real server: the journeys that the mock runs, and what only real data shows:
// charts of the host soon after the start, exact values, a star's forty months, the first point.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import { after, before, test } from 'node:test';
import type { TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { Browser } from 'playwright-core';
import {
  CHROMIUM,
  assertAccessible,
  countShifts,
  drawnPixels,
  screenshot,
  startBrowser,
  startTarget,
  withPage,
} from '../../web/e2e/harness.ts';
import type { Look, PageOptions, Target } from '../../web/e2e/harness.ts';
import { exploreRuns, homeDraws, tableShowsExact } from '../../web/e2e/journeys.ts';
import { startOrrery } from '../apptest/harness.ts';
import type { RunningOrrery } from '../apptest/harness.ts';
import { sharedPath } from '../support/shared.ts';
import type { Skip } from '../support/skip.ts';

/** From the start of the process to charts of the host with lines in them. */
const FIRST_CHARTS_MS_MAX = 10_000;
const KEPLER_11_POINTS = 65_435;
/** Coloured pixels of a light curve that runs across the whole chart. */
const LIGHT_CURVE_PIXELS_MIN = 1000;

const kepler11 = sharedPath('data/exoplanets/hew/kic006541920.csv.gz');
const THEMES = ['light', 'dark'] as const;

let browser: Browser;
let orrery: RunningOrrery;
let target: Target;
/** Moment the server's process was started. */
let startedMs = 0;

before(async () => {
  if (CHROMIUM.path === '') return;
  browser = await startBrowser();
  startedMs = performance.now();
  orrery = await startOrrery([]);
  target = await startTarget(orrery.url);
});

after(async () => {
  if (CHROMIUM.path === '') return;
  await browser.close();
  await orrery.stop();
});

function journey(
  name: string,
  options: PageOptions,
  body: (look: Look, t: TestContext) => Promise<void>,
  skip: Skip = CHROMIUM.skip,
): void {
  test(name, { skip }, async (t) => withPage(browser, target, options, (look) => body(look, t)));
}

async function write(path: string, body: string): Promise<void> {
  const answer = await orrery.post(path, body);
  assert.equal(answer.status, 204, answer.text);
}

// First, because it is about the first seconds of the server.
journey('Home draws the host within ten seconds of the start', {}, async ({ page, at }, t) => {
  const shifts = await countShifts(page);
  await page.goto(at(''));
  for (const name of ['CPU', 'Memory', 'Load', 'Samples written']) {
    await page.getByRole('img', { name: new RegExp(`^${name}: line chart`) }).waitFor();
  }
  assert.ok((await drawnPixels(page, '[aria-label="CPU"]')) > 20, 'CPU has a line');
  const tookMs = performance.now() - startedMs;
  t.diagnostic(`host charts ${(tookMs / 1000).toFixed(1)} s after the start of the process`);
  assert.ok(tookMs <= FIRST_CHARTS_MS_MAX, `${tookMs} ms`);
  await screenshot(page, 'product-home-young');
  assert.deepEqual(await shifts(), [], 'nothing shifts while the first samples come');
});

for (const theme of THEMES) {
  const options: PageOptions = { colorScheme: theme };
  journey(`Home, ${theme}`, options, async (look) => homeDraws(look, `product-home-${theme}`));

  journey(`Explore runs a query on live data, ${theme}`, options, async (look) =>
    exploreRuns(look, `product-explore-${theme}`),
  );

  journey(`An error has words and a place, ${theme}`, options, async (look) => {
    const { page, at, expectError } = look;
    // The browser itself logs an answer of 400.
    expectError(/Failed to load resource/);
    await page.goto(at(`explore?expr=${encodeURIComponent('sum(up) + rate(up)')}`));
    const alert = page.getByRole('alert');
    await alert.getByText('The query cannot be understood').waitFor();
    assert.equal(await alert.locator('mark').innerText(), 'u', 'the argument is marked');
    assert.match(await alert.innerText(), /1:16: parse error: expected type range vector/);
    await assertAccessible(page);
    await screenshot(page, `product-error-${theme}`);
  });
}

journey('The table shows every digit of live data', {}, async (look) => {
  await tableShowsExact(look, 'product-table');
  const { page, at } = look;
  await write('/write', 'exact sum=0.30000000000000004');
  await write('/write', 'exact whole=9007199254740991i');
  for (const [metric, text] of [
    ['exact_sum', '0.30000000000000004'],
    ['exact_whole', '9007199254740991'],
  ] as const) {
    await page.goto(at(`explore?expr=${metric}&tab=table`));
    const table = page.getByRole('region', { name: 'Result table' });
    await table.getByRole('cell', { name: text, exact: true }).waitFor();
  }
});

journey(
  'Names of the store are completed, the cost is told, the plan is real',
  {},
  async (look) => {
    const { page, at } = look;
    await page.goto(at('explore?expr=up'));
    await page.getByRole('img', { name: /^up: line chart of 2 series/ }).waitFor();
    await page.locator('.editor-host:not([hidden])').waitFor();
    const query = page.getByRole('textbox', { name: 'Query' });
    await query.click();
    await page.keyboard.press('Control+a');
    await page.keyboard.type('sum by (mode) (rate(node_cpu_secon');
    const option = page.getByRole('option', { name: /node_cpu_seconds_total/ });
    await option.waitFor();
    await option.getByText('counter').waitFor();
    await screenshot(page, 'product-completion');
    await option.click();
    await page.keyboard.type('[1m');
    await page.getByText(/Reads about \d+ series, [\d.]+ k? ?samples/).waitFor();
    await page.keyboard.press('Control+Enter');
    await page.getByRole('img', { name: /^sum by \(mode\).*: line chart of 8 series/ }).waitFor();
    await page.getByText(/samples read$/).waitFor();
    await page.getByRole('tab', { name: 'Explain' }).click();
    const plan = page.getByRole('region', { name: 'Parts' });
    await plan.getByText(/rate over 60 s of node_cpu_seconds_total/).waitFor();
    await assertAccessible(page);
    await screenshot(page, 'product-explain');
    await page.getByRole('tab', { name: 'JSON' }).click();
    await page.getByLabel('Answer, JSON').getByText('"mode": "idle"').waitFor();
  },
);

journey('Native histograms of remote peers draw as a heat map', {}, async ({ page, at }) => {
  const endUs = Date.now() * 1000;
  const timestampsUs = Array.from({ length: 40 }, (_, index) => endUs - (39 - index) * 15e6);
  const values = timestampsUs.map((_, index) => latencies(index));
  const metric = { __name__: 'request_seconds', job: 'shop' };
  const line = JSON.stringify({ metric, kind: 'histogram', values, timestampsUs });
  await write('/api/v1/import', `${line}\n`);
  await page.goto(at('explore?expr=request_seconds&from=now-15m'));
  await page.getByRole('img', { name: /^request_seconds: heat map of 1 histogram / }).waitFor();
  assert.ok((await drawnPixels(page, '.heat')) > 1000, 'cells are drawn');
  await assertAccessible(page);
  await screenshot(page, 'product-heat-map');
});

journey('The metric browser shows what is stored', {}, async ({ page, at }) => {
  await page.goto(at('metrics-browser?filter=cpu_seconds'));
  const row = page.getByRole('row', { name: /node_cpu_seconds_total/ });
  await row.getByText('counter').waitFor();
  await row.getByRole('link', { name: 'node_cpu_seconds_total' }).click();
  await page.getByRole('region', { name: 'Label mode' }).getByText('8 values').waitFor();
  await assertAccessible(page);
  await screenshot(page, 'product-metric');
});

journey('Status shows the shard, the series and the flags', {}, async ({ page, at }) => {
  await page.goto(at('status'));
  await page.getByRole('region', { name: 'Shards' }).getByRole('row').nth(1).waitFor();
  await page.getByRole('region', { name: 'By metric' }).getByRole('link').first().waitFor();
  await page.getByText('query-timeout', { exact: true }).waitFor();
  await page.getByText('No query runs now.').waitFor();
  await assertAccessible(page);
  await screenshot(page, 'product-status');
});

journey('The table looks as far back as the graph', {}, async ({ page, at }) => {
  const lastSec = Math.floor(Date.now() / 1000) - 3000;
  await write('/write?precision=s', `sparse,site=hill level=7.25 ${lastSec}`);
  // Of two months a step is an hour and more: both views find the sample of fifty minutes ago.
  for (const tab of ['graph', 'table']) {
    await page.goto(at(`explore?expr=sparse_level&from=now-60d&tab=${tab}`));
    const shown =
      tab === 'graph'
        ? page.getByRole('img', { name: /^sparse_level: line chart of 1 series/ })
        : page.getByRole('cell', { name: '7.25', exact: true }).first();
    await shown.waitFor();
  }
});

journey('Refused rows are said on Home, once there are some', {}, async ({ page, at }) => {
  await page.goto(at(''));
  await page.getByRole('img', { name: /^Data on disk: line chart/ }).waitFor();
  assert.equal(await page.getByText(/refused since the start/).count(), 0);
  const answer = await orrery.post('/write', 'no value here\nnor here\n');
  assert.equal(answer.status, 400);
  const refused = page.getByRole('link', { name: '2 rows refused since the start' });
  await refused.waitFor({ timeout: 15_000 });
  await page.getByText('(2 influx)').waitFor();
  await assertAccessible(page);
  await screenshot(page, 'product-home-refused');
  await refused.click();
  await page.getByRole('img', { name: /line chart of \d series/ }).waitFor();
});

journey('Of several hosts one is chosen, in the address', {}, async ({ page, at }) => {
  const other = (totalBytes: number): string =>
    ['up', `node_memory_MemTotal_bytes`, 'node_memory_MemAvailable_bytes']
      .map((name, i) => `${name}{job="node",instance="zebra:9100"} ${i === 0 ? 1 : totalBytes / i}`)
      .join('\n');
  await page.goto(at(''));
  await page.getByRole('heading', { name: 'This host' }).waitFor();
  assert.equal(await page.getByRole('combobox', { name: 'Host' }).count(), 0);
  const answer = await orrery.post('/api/v1/import/prometheus', `${other(2 ** 33)}\n`);
  assert.equal(answer.status, 204, answer.text);
  const chooser = page.getByRole('combobox', { name: 'Host' });
  await chooser.waitFor({ timeout: 15_000 });
  assert.match(await chooser.inputValue(), /:\d+$/);
  assert.notEqual(await chooser.inputValue(), 'zebra:9100', 'the eye stays on the host it was on');
  await chooser.selectOption('zebra:9100');
  await page.waitForURL(/\?instance=zebra:9100$/);
  const memory = page.getByRole('region', { name: 'Memory' });
  await memory.getByText('8 GiB').waitFor();
  await assertAccessible(page);
  await screenshot(page, 'product-home-hosts');
  await page.goBack();
  await page.waitForFunction('document.querySelector("h2 + select").value !== "zebra:9100"');
});

/** Buckets that double, around a middle that moves by one bucket each third step. */
function latencies(step: number): unknown {
  const positiveBuckets = [2, 9, 20, 9, 2];
  const first = (step % 9) / 3 - 6;
  return {
    isInteger: false,
    schema: 0,
    zeroThreshold: 1e-9,
    zeroCount: 0,
    count: 42,
    sum: 5,
    counterResetHint: 3,
    positiveSpans: [[Math.floor(first), positiveBuckets.length]],
    negativeSpans: [],
    positiveBuckets,
    negativeBuckets: [],
    customValues: [],
  };
}

const lightCurve = async ({ page, at }: Look, t: TestContext): Promise<void> => {
  const rows = gunzipSync(await readFile(kepler11.path))
    .toString()
    .trim()
    .split('\n')
    .slice(1);
  assert.equal(rows.length, KEPLER_11_POINTS);
  const lines = rows.map((row) => {
    const [timeUs, flux] = row.split(',');
    return `sap.flux,KEPLERID=6541920,OBJECT=KIC\\ 6541920 value=${flux} ${timeUs}`;
  });
  await write('/write?precision=u', lines.join('\n'));
  const expr = encodeURIComponent('last_over_time({"sap.flux"}[1h])');
  const askedMs = performance.now();
  await page.goto(at(`explore?expr=${expr}&from=2009-05-08&to=2013-05-12&tz=utc`));
  await page.getByRole('img', { name: /line chart of 1 series from 2009-05-08/ }).waitFor();
  const coloured = await drawnPixels(page, '.result');
  t.diagnostic(`light curve drawn in ${Math.round(performance.now() - askedMs)} ms`);
  assert.ok(coloured > LIGHT_CURVE_PIXELS_MIN, `${coloured} coloured pixels`);
  const legend = page.getByRole('region', { name: 'Legend' });
  await legend.getByRole('button', { name: /KEPLERID="6541920"/ }).waitFor();
  await assertAccessible(page);
  await screenshot(page, 'product-light-curve');
};

journey('A light curve of forty months draws', {}, lightCurve, CHROMIUM.skip || kepler11.skip);

test('The first line of an empty store works as it is shown', { skip: CHROMIUM.skip }, async () => {
  const empty = await startOrrery(['--no-collect']);
  try {
    await withPage(browser, await startTarget(empty.url), {}, async ({ page, at }) => {
      await page.goto(at(''));
      await page.getByRole('heading', { name: 'Nothing is stored yet' }).waitFor();
      await assertAccessible(page);
      await screenshot(page, 'product-empty');
      const influx = await page.getByLabel('Influx line protocol').innerText();
      const text = await page.getByLabel('Prometheus text').innerText();
      await runCurl(influx);
      await page.getByRole('link', { name: 'room_temperature' }).click();
      await page.getByRole('img', { name: /^room_temperature: line chart/ }).waitFor();
      assert.ok((await drawnPixels(page, '.result')) > 5, 'the point is seen');
      await screenshot(page, 'product-first-point');
      await runCurl(text);
      const counted = await empty.get(
        '/api/v1/query?query=count_over_time(room_temperature%7Bname%3D%22kitchen%22%7D%5B1h%5D)',
      );
      assert.match(counted.text, /"value":\[[\d.]+,"2"\]/, 'both protocols write the same series');
    });
  } finally {
    await empty.stop();
  }
});

/** Does what a shell does with a line of the empty store's page; both forms that it shows. */
async function runCurl(line: string): Promise<void> {
  const piped = /^echo '([^']+)' \| curl '([^']+)' --data-binary @-$/.exec(line.trim());
  const direct = /^curl '([^']+)' --data-binary '([^']+)'$/.exec(line.trim());
  const [url, body] = piped ? [piped[2], `${piped[1]}\n`] : [direct?.[1], direct?.[2]];
  assert.ok(url !== undefined && body !== undefined, `a line of curl: ${line}`);
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const answer = await fetch(url, { method: 'POST', body, headers });
  assert.equal(answer.status, 204, await answer.text());
}

journey('Ingest: rules are put in force, and the page says what they drop', {}, async (look) => {
  const { page, at, expectError } = look;
  // A rule that is half typed is refused; the browser writes that down.
  expectError(/Failed to load resource/);
  await write('/write?precision=s', 'kept,env=prod value=1 1750000000');
  const refused = await orrery.post('/write', 'nonsense');
  assert.equal(refused.status, 400);
  await page.goto(at('ingest'));
  const rows = page.getByRole('region', { name: 'Last refused rows' });
  await rows.getByText("unable to parse 'nonsense'").first().waitFor();
  const rules = page.getByRole('region', { name: 'Relabelling' });
  const text =
    '- source_labels: [instance]\n  regex: ([^.:]+).*\n  target_label: host\n' +
    '- source_labels: [env]\n  regex: dev\n  action: drop\n';
  await rules.getByRole('textbox', { name: 'Rules' }).fill(text);
  await rules.getByText('+ host=db1').waitFor();
  await rules.getByText('Rule 2 drops the series.').waitFor();
  await rules.getByRole('button', { name: 'Put these rules in force' }).click();
  await rules.getByText(/^In force as version \d+\.$/).waitFor();
  const dry = page.getByRole('region', { name: 'Dry run' });
  await dry.getByRole('textbox', { name: 'Body' }).fill('kept,env=dev value=1');
  await dry.getByText("Dropped by rule 2 (line 4) of the tenant's rules.").waitFor();
  await dry.getByText('Each rule').click();
  await dry.getByRole('region', { name: 'Steps of series 1' }).getByText('env').waitFor();
  await assertAccessible(page);
  await screenshot(page, 'product-ingest');
  await dry.getByRole('textbox', { name: 'Body' }).fill('kept,env=prod value=2');
  await dry.getByText(/^the series exists, newest/).waitFor();
  await orrery.get('/orrery/v1/relabel', { method: 'DELETE' });
});
