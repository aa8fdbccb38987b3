/** The metric browser, Status and the palette, each with axe and a picture. */
import assert from 'node:assert/strict';
import { assertAccessible, screenshot } from './harness.ts';
import {
  assertNoSidewaysScroll,
  DARK,
  LIGHT,
  mockJourneys,
  NARROW,
  REFUSED,
  THEMES,
} from './mock-journeys.ts';

const { journey, mock } = mockJourneys();

for (const [theme, options] of THEMES) {
  journey(`Metrics have type, unit, help and a count, ${theme}`, options, async (look) => {
    const { page, at } = look;
    await page.goto(at('metrics-browser'));
    const list = page.getByRole('region', { name: 'Metrics' });
    const row = list.getByRole('row', { name: /node_cpu_seconds_total/ });
    await row.getByText('counter').waitFor();
    await row.getByText('seconds', { exact: true }).waitFor();
    await row.getByText('Seconds the CPUs spent in each mode.').waitFor();
    await row.getByRole('cell', { name: '3', exact: true }).waitFor();
    await assertAccessible(page);
    await screenshot(page, `metrics-${theme}`);
    await list.getByRole('link', { name: 'node_cpu_seconds_total' }).click();
    await page.waitForURL(/metrics-browser\?metric=node_cpu_seconds_total$/);
    const mode = page.getByRole('region', { name: 'Label mode' });
    await mode.getByText('3 values').waitFor();
    await mode.getByRole('link', { name: 'iowait' }).waitFor();
    await assertAccessible(page);
    await screenshot(page, `metric-open-${theme}`);
    await page.getByRole('link', { name: 'Draw it' }).click();
    await page.getByRole('img', { name: /^rate\(node_cpu_seconds_total\[5m\]\): line/ }).waitFor();
    await page.goBack();
    await mode.getByRole('link', { name: 'user' }).click();
    await page.waitForURL(/expr=node_cpu_seconds_total%7Bmode%3D%22user%22%7D$/);
  });
}

journey('Metrics are found by name and help, sorted by series', LIGHT, async ({ page, at }) => {
  await page.goto(at('metrics-browser'));
  const list = page.getByRole('region', { name: 'Metrics' });
  await list.getByText('8 of 8').waitFor();
  await list.getByRole('searchbox', { name: 'Find metrics' }).fill('load aver');
  await list.getByText('1 of 8').waitFor();
  await page.waitForURL(/filter=load\+aver$/);
  await list.getByRole('searchbox', { name: 'Find metrics' }).fill('nothing like it');
  await page.getByText('No metric has that in its name or help.').waitFor();
  await list.getByRole('searchbox', { name: 'Find metrics' }).fill('');
  await list.getByRole('button', { name: 'Series' }).click();
  await page.waitForURL(/sort=series$/);
  const first = list.getByRole('row').nth(1);
  assert.match(await first.innerText(), /node_cpu_seconds_total|orrery_ingest_samples_total/);
  const link = page.url();
  await page.reload();
  assert.equal(page.url(), link);
  const header = list.getByRole('columnheader', { name: 'Series' });
  assert.equal(await header.getAttribute('aria-sort'), 'descending');
});

journey('Metrics of an empty store say so', LIGHT, async ({ page, at }) => {
  mock().store = 'empty';
  await page.goto(at('metrics-browser'));
  await page.getByText(/Nothing is stored yet/).waitFor();
  await assertAccessible(page);
  await screenshot(page, 'metrics-empty');
});

journey('Without a server, Metrics says what is wrong', DARK, async (look) => {
  const { page, at, expectError } = look;
  expectError(REFUSED);
  await page.route('**/api/v1/**', async (route) => route.abort());
  await page.goto(at('metrics-browser'));
  await page.getByText('The server cannot be reached').waitFor();
});

journey('A server that does not count series is asked for what is written', LIGHT, async (look) => {
  const { page, at, expectError } = look;
  expectError(REFUSED);
  const body = JSON.stringify({
    status: 'success',
    data: {
      resultType: 'vector',
      result: [{ metric: { __name__: 'node_load1' }, value: [1, '7'] }],
    },
  });
  await page.route('**/status/tsdb*', async (route) => route.fulfill({ status: 404, body: '{}' }));
  await page.route('**/api/v1/query?*', async (route) => route.fulfill({ body }));
  await page.goto(at('metrics-browser'));
  const row = page.getByRole('row', { name: /node_load1/ });
  await row.getByRole('cell', { name: '7', exact: true }).waitFor();
});

for (const [theme, options] of THEMES) {
  journey(`Status lists what runs and ends it, ${theme}`, options, async ({ page, at }) => {
    await page.goto(at('status'));
    const queries = page.getByRole('region', { name: 'Running queries' });
    await queries.getByText('mock_slow').first().waitFor();
    await queries.getByText('50%').waitFor();
    await queries.getByText('95 s').waitFor();
    await page.getByRole('region', { name: 'Shards' }).getByText('merge, 40%').waitFor();
    await page.getByText('61 GiB free of 200 GiB').waitFor();
    await page.getByText('query-timeout').waitFor();
    await page.getByRole('region', { name: 'By metric' }).getByRole('link').first().waitFor();
    await assertAccessible(page);
    await screenshot(page, `status-${theme}`);
    await queries.getByRole('button', { name: 'Cancel mock_slow' }).click();
    await queries.getByText('The query was cancelled.').waitFor();
    await queries.getByRole('row', { name: /mock_slow/ }).waitFor({ state: 'detached' });
    assert.deepEqual(mock().cancelled, ['aaaabbbbccccdddd']);
  });
}

journey('Status says what may not be seen and what is not told', LIGHT, async (look) => {
  const { page, at, expectError } = look;
  expectError(REFUSED);
  await page.route('**/orrery/v1/storage', async (route) =>
    route.fulfill({ status: 403, body: '{"error":{"message":"needs admin"}}' }),
  );
  await page.route('**/orrery/v1/queries', async (route) =>
    route.fulfill({ body: '{"queries":[]}' }),
  );
  await page.route('**/status/flags', async (route) => route.fulfill({ status: 404, body: '{}' }));
  await page.goto(at('status'));
  await page.getByText('Only an administrator may see this.').waitFor();
  await page.getByText('This server does not tell.').waitFor();
  await page.getByText('No query runs now.').waitFor();
  await assertAccessible(page);
  await screenshot(page, 'status-less');
});

journey('Metrics and Status fit 360 px', NARROW, async (look) => {
  const { page, at } = look;
  await page.goto(at('metrics-browser?metric=node_cpu_seconds_total'));
  await page.getByText('3 values').waitFor();
  for (const name of ['Metric', 'Type', 'Unit', 'Series'])
    assert.ok(await page.getByRole('columnheader', { name }).isVisible(), name);
  await assertNoSidewaysScroll(look);
  await assertAccessible(page);
  await screenshot(page, 'metrics-360');
  await page.goto(at('status'));
  await page.getByText('merge, 40%').waitFor();
  await page.getByText('query-timeout').waitFor();
  await assertNoSidewaysScroll(look);
  await assertAccessible(page);
  await screenshot(page, 'status-360');
});

journey('The palette finds metrics', DARK, async ({ page, at }) => {
  await page.goto(at('status'));
  await page.getByText('merge, 40%').waitFor();
  await page.keyboard.press('Control+k');
  const palette = page.getByRole('dialog', { name: 'Go to' });
  await palette.getByRole('combobox', { name: 'Place or metric' }).fill('load');
  await palette.getByRole('option', { name: 'node_load1 Draw it' }).waitFor();
  await assertAccessible(page);
  await screenshot(page, 'palette-metric');
  await page.keyboard.press('Enter');
  await page.waitForURL(/explore\?expr=node_load1$/);
  await page.getByRole('img', { name: /^node_load1: line chart/ }).waitFor();
});
