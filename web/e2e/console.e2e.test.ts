/**
 * The console in a browser against the mock: one test per journey, by role and name, each with axe,
 * no complaint of the page, and a picture in dist/screenshots that a person looks at.
 */
import assert from 'node:assert/strict';
import { assertAccessible, countShifts, drawnPixels, screenshot } from './harness.ts';
import { exploreRuns, homeDraws, tableShowsExact } from './journeys.ts';
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

journey('Home draws host charts, light', LIGHT, async (look) => homeDraws(look, 'home-light'));
journey('Home draws host charts, dark', DARK, async (look) => homeDraws(look, 'home-dark'));
journey('Home draws at 360 px', NARROW, async (look) => {
  await homeDraws(look, 'home-360');
  const hidden = await look.page.evaluate(
    "(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)(document.querySelector('.header nav'))",
  );
  assert.equal(hidden, 0, 'every place is in sight');
  await assertNoSidewaysScroll(look);
});

journey('Home of a server that just started fills its charts', LIGHT, async ({ page, at }) => {
  mock().bornSec = Date.now() / 1000 - 6;
  await page.goto(at(''));
  await page.getByRole('img', { name: /^Memory: line chart/ }).waitFor();
  await screenshot(page, 'home-young');
});

journey('Home opened before the first sample shows it soon after', LIGHT, async ({ page, at }) => {
  mock().bornSec = Date.now() / 1000 + 1.5;
  await page.goto(at(''));
  await page.getByText('No samples in this range yet').first().waitFor();
  await screenshot(page, 'home-waiting');
  await page.getByRole('img', { name: /^Memory: line chart/ }).waitFor({ timeout: 5000 });
});

journey('The crosshair of Home is shared, its values are not', DARK, async ({ page, at }) => {
  await page.goto(at(''));
  const cpu = page.getByRole('region', { name: 'CPU' });
  const load = page.getByRole('region', { name: 'Load' });
  await load.locator('.u-over').waitFor();
  await cpu.locator('.u-over').hover({ position: { x: 200, y: 40 } });
  await cpu.locator('.tooltip').waitFor();
  assert.equal(await page.locator('.tooltip').count(), 1);
  const across = await load.locator('.u-cursor-x').evaluate((line) => String(line.style.transform));
  assert.match(across, /translate\(200px/);
  await screenshot(page, 'home-crosshair');
});

journey('A drag on Home zooms every card and stops the refresh', LIGHT, async ({ page, at }) => {
  await page.goto(at(''));
  const memory = page.getByRole('region', { name: 'Memory' });
  const box = await memory.locator('.u-over').boundingBox();
  assert.ok(box);
  await page.mouse.move(box.x + box.width * 0.3, box.y + 40);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.7, box.y + 50, { steps: 5 });
  await page.mouse.up();
  await page.waitForURL(/\?from=\d{4}-.*&to=\d{4}-.*&refresh=0$/);
  assert.equal(await page.getByLabel('Refresh').inputValue(), '0');
  await page.goBack();
  await page.getByRole('button', { name: /Last 5 minutes/ }).waitFor();
});

for (const [theme, options] of THEMES) {
  journey(`Home of an empty store shows the first lines, ${theme}`, options, async (look) => {
    mock().store = 'empty';
    const { page, at } = look;
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.goto(at(''));
    await page.getByRole('heading', { name: 'Nothing is stored yet' }).waitFor();
    await page.getByRole('button', { name: 'Copy the Influx line' }).click();
    await page.getByText('Copied').waitFor();
    const copied = String(await page.evaluate('navigator.clipboard.readText()'));
    assert.match(copied, /^curl 'http:\/\/127\.0\.0\.1:\d+\/write' --data-binary/);
    await assertAccessible(page);
    await screenshot(page, `home-empty-${theme}`);
    mock().store = 'written';
    await page.getByRole('link', { name: 'room_temperature' }).click();
    await page.getByRole('img', { name: /^room_temperature: line chart/ }).waitFor();
  });
}

journey('Home says that the server is gone and recovers', LIGHT, async (look) => {
  const { page, at, expectError } = look;
  expectError(REFUSED);
  await page.route('**/api/v1/**', async (route) => route.abort());
  await page.goto(at(''));
  await page.getByText('The server cannot be reached').waitFor();
  await assertAccessible(page);
  await screenshot(page, 'home-unreachable');
  await page.unroute('**/api/v1/**');
  await page.getByRole('img', { name: /^Memory: line chart/ }).waitFor();
});

journey('A server that goes away leaves Home as it was', LIGHT, async (look) => {
  const { page, at, expectError } = look;
  expectError(REFUSED);
  const memory = page.getByRole('img', { name: /^Memory: line chart/ });
  await page.goto(at(''));
  await memory.waitFor();
  await page.route('**/api/v1/**', async (route) => route.abort());
  await page.getByRole('alert').getByText('The server cannot be reached').waitFor();
  await page.getByRole('region', { name: 'Memory' }).getByText('not refreshed').waitFor();
  assert.equal(await page.getByRole('alert').count(), 1, 'it is said once');
  assert.ok(await memory.isVisible(), 'the last answer stays');
  await assertAccessible(page);
  await screenshot(page, 'home-lost');
  await page.unroute('**/api/v1/**');
  // Another range asks at once, where the refresh would be waited for.
  await page.keyboard.press('t');
  await page.getByRole('button', { name: 'Last 15 minutes' }).click();
  await page.getByRole('alert').waitFor({ state: 'detached' });
});

journey('Explore runs a query and draws, light', LIGHT, async (look) =>
  exploreRuns(look, 'explore-light'),
);
journey('Explore runs a query and draws, dark', DARK, async (look) =>
  exploreRuns(look, 'explore-dark'),
);
journey('Explore works at 360 px', NARROW, async (look) => {
  await exploreRuns(look, 'explore-360');
  await assertNoSidewaysScroll(look);
  await look.page.getByRole('button', { name: /Last hour/ }).click();
  await look.page.getByRole('dialog', { name: 'Time range' }).waitFor();
  await assertAccessible(look.page);
  await assertNoSidewaysScroll(look);
  await screenshot(look.page, 'time-panel-360');
});
journey('Explore shows the table', LIGHT, async (look) => tableShowsExact(look, 'table-light'));

journey('Explore before the first query offers some', LIGHT, async ({ page, at }) => {
  await page.goto(at('explore'));
  await page.getByRole('heading', { name: 'Ask something' }).waitFor();
  await assertAccessible(page);
  await screenshot(page, 'explore-start');
  await page.getByRole('button', { name: /^avg by \(mode\)/ }).click();
  await page.getByRole('img', { name: /line chart of 3 series/ }).waitFor();
});

journey('A drag zooms and back returns', LIGHT, async ({ page, at }) => {
  await page.goto(at('explore?expr=node_load1&from=2026-11-21T08:00:00Z&to=2026-11-21T12:00:00Z'));
  const whole = page.url();
  const chart = page.getByRole('img', { name: /^node_load1: line chart/ });
  await chart.waitFor();
  await page.locator('.u-over').first().waitFor();
  const box = await page.locator('.u-over').boundingBox();
  assert.ok(box);
  await page.mouse.move(box.x + box.width * 0.25, box.y + 100);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.5, box.y + 120, { steps: 5 });
  await page.mouse.up();
  await page.waitForURL(/from=2026-11-21T(?:08:59|09:00|09:01)/);
  assert.match(decodeURIComponent(page.url()), /to=2026-11-21T(?:09:59|10:00|10:01)/);
  await page.getByRole('img', { name: /from 2026-11-21 (?:09:59|10:00|10:01)/ }).waitFor();
  await page.goBack();
  assert.equal(page.url(), whole);
  await page.getByRole('img', { name: /from 2026-11-21 09:00 to 2026-11-21 13:00/ }).waitFor();
});

journey('The crosshair shows exact values', DARK, async ({ page, at }) => {
  await page.goto(at('explore?expr=sum by (protocol) (rate(orrery_ingest_samples_total[1m]))'));
  await page.locator('.result .u-over').first().waitFor();
  await page.locator('.u-over').hover({ position: { x: 300, y: 150 } });
  await page.locator('.tooltip-exact').first().waitFor();
  const exact = await page.locator('.tooltip-exact').first().innerText();
  assert.match(exact, /^\d+\.\d{6,}$/, 'every digit the server sent');
  await screenshot(page, 'explore-crosshair');
});

journey('A legend row isolates, with Ctrl it adds', LIGHT, async ({ page, at }) => {
  await page.goto(at('explore?expr=avg by (mode) (rate(node_cpu_seconds_total[1m]))'));
  const row = (mode: string) => page.getByRole('button', { name: `{mode="${mode}"}` });
  const pressed = async (): Promise<(string | null)[]> =>
    Promise.all(['user', 'system', 'iowait'].map((m) => row(m).getAttribute('aria-pressed')));
  await row('user').click();
  assert.deepEqual(await pressed(), ['true', 'false', 'false']);
  await row('system').click({ modifiers: ['Control'] });
  assert.deepEqual(await pressed(), ['true', 'true', 'false']);
  await screenshot(page, 'legend-isolated');
  await page.getByRole('button', { name: 'Run' }).click();
  await page.getByRole('img', { name: /line chart of 3 series/ }).waitFor();
  assert.deepEqual(await pressed(), ['true', 'true', 'false'], 'hidden stays hidden');
  await row('user').click();
  await row('user').click();
  assert.deepEqual(await pressed(), ['true', 'true', 'true']);
  await page.getByRole('button', { name: 'Max' }).click();
  const header = page.getByRole('columnheader', { name: 'Max' });
  assert.equal(await header.getAttribute('aria-sort'), 'descending');
});

for (const [theme, options] of THEMES) {
  journey(`An error says what, where and what next, ${theme}`, options, async (look) => {
    const { page, at, expectError } = look;
    expectError(REFUSED);
    await page.goto(at('explore?expr=sum(up) %2B mock_error'));
    const alert = page.getByRole('alert');
    await alert.getByText('The query cannot be understood').waitFor();
    assert.equal(await alert.locator('mark').innerText(), 'm');
    assert.match(await alert.innerText(), /1:11: parse error: unexpected identifier/);
    await page.getByText('sum(up) + mock_error').first().waitFor();
    await assertAccessible(page);
    await screenshot(page, `explore-error-${theme}`);
    await alert.getByRole('button', { name: 'Dismiss' }).click();
    assert.equal(await alert.count(), 0);
  });
}

journey('A limit is named', LIGHT, async ({ page, at, expectError }) => {
  expectError(REFUSED);
  await page.goto(at('explore?expr=mock_limit'));
  await page.getByText('A limit refused the query').waitFor();
  await page.getByText(/samples_per_query is 50000000/).waitFor();
});

journey('A failed refresh leaves the last answer in its place', LIGHT, async (look) => {
  const { page, at, expectError } = look;
  expectError(REFUSED);
  await page.goto(at('explore?expr=node_load1'));
  await page.getByRole('img', { name: /^node_load1: line chart/ }).waitFor();
  await page.route('**/api/v1/**', async (route) => route.abort());
  await page.getByRole('button', { name: 'Run' }).click();
  await page.getByRole('alert').getByText('The server cannot be reached').waitFor();
  await page.getByRole('img', { name: /^node_load1: line chart/ }).waitFor();
  await assertAccessible(page);
  await screenshot(page, 'explore-refresh-failed');
  await page.unroute('**/api/v1/**');
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('alert').waitFor({ state: 'detached' });
});

journey('Sparse data is looked for one step back', LIGHT, async ({ page, at }) => {
  const asked = page.waitForRequest(/query_range/);
  await page.goto(at('explore?expr=node_load1&from=2009-05-01&to=2013-05-01&tz=utc'));
  const params = new URL((await asked).url()).searchParams;
  assert.equal(params.get('lookback_delta'), `${params.get('step')}s`);
  assert.ok(Number(params.get('step')) > 86_400);
  const steps =
    (Number(params.get('end')) - Number(params.get('start'))) / Number(params.get('step'));
  assert.ok(steps > 300 && steps <= 1280, `${steps} points on 1280 pixels`);
});

journey('A long query goes as a form', LIGHT, async ({ page, at }) => {
  const expr = `node_load1 # ${'why '.repeat(1200)}`;
  const asked = page.waitForRequest(/query_range/);
  await page.goto(at('explore'));
  await page.getByRole('textbox', { name: 'Query' }).fill(expr);
  await page.keyboard.press('Control+Enter');
  assert.equal((await asked).method(), 'POST');
  await page.getByRole('img', { name: /^node_load1/ }).waitFor();
});

journey('A slow query shows its time and can be cancelled', LIGHT, async ({ page, at }) => {
  await page.goto(at('explore?expr=mock_slow'));
  await page.locator('.skeleton').waitFor();
  await page.getByText(/Still running, \d s so far/).waitFor();
  await assertAccessible(page);
  await screenshot(page, 'explore-slow');
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByText('The query was cancelled').waitFor();
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('img', { name: /^mock_slow: line chart/ }).waitFor();
});

journey('Too many series: the first are drawn and it says so', LIGHT, async ({ page, at }) => {
  await page.goto(at('explore?expr=mock_huge'));
  await page.getByText(/1,200 series are too many to read; the first 1,000 are drawn/).waitFor();
  await page.getByRole('img', { name: /line chart of 1000 series/ }).waitFor();
  await page.getByRole('button', { name: 'Show 100 more of 1,000 rows' }).waitFor();
  await assertAccessible(page);
  await screenshot(page, 'explore-huge');
});

journey('Warnings stand beside the data', DARK, async ({ page, at }) => {
  await page.goto(at('explore?expr=mock_warnings'));
  await page.getByText(/PromQL warning: quantile value/).waitFor();
  await page.getByText(/PromQL info: metric might not be/).waitFor();
  await assertAccessible(page);
  await screenshot(page, 'explore-warnings');
});

journey('No series is said in words', LIGHT, async ({ page, at }) => {
  await page.goto(at('explore?expr=mock_empty'));
  await page.getByText(/No series match in this range/).waitFor();
  await assertAccessible(page);
  await screenshot(page, 'explore-empty');
});

journey('Gaps stay gaps and lone points are seen', LIGHT, async ({ page, at }) => {
  await page.goto(at('explore?expr=mock_gaps'));
  await page.locator('.result .u-over').first().waitFor();
  assert.ok((await drawnPixels(page, '.result')) > 20);
  await screenshot(page, 'explore-gaps');
});

journey('Hostile label values stay text', LIGHT, async ({ page, at }) => {
  for (const tab of ['graph', 'table']) {
    await page.goto(at(`explore?expr=mock_hostile&tab=${tab}`));
    await page.getByText('<img src=x onerror=', { exact: false }).first().waitFor();
    if (tab === 'graph') {
      await page.locator('.result .u-over').first().waitFor();
      await page.locator('.u-over').hover({ position: { x: 300, y: 150 } });
      await page.locator('.tooltip-row').first().waitFor();
    }
    assert.equal(await page.evaluate('window.hacked'), undefined);
    assert.equal(await page.locator('#root img, #root script').count(), 0);
    await assertAccessible(page);
    await screenshot(page, `hostile-${tab}`);
  }
});

journey('The address restores the whole view', LIGHT, async ({ page, at }) => {
  const search =
    'expr=node_load5&tab=table&from=2009-05-02T00:56:00Z&to=2009-05-03T00:00:00Z&refresh=15&tz=utc';
  await page.goto(at(`explore?${search}`));
  await page.getByRole('tab', { name: 'Table', selected: true }).waitFor();
  await page.getByRole('button', { name: /2009-05-02 00:56 – 2009-05-03 00:00/ }).waitFor();
  assert.equal(await page.getByLabel('Refresh').inputValue(), '15');
  await page.getByText('1 row at 2009-05-03 00:00').waitFor();
  await page.getByRole('textbox', { name: 'Query' }).getByText('node_load5').waitFor();
  await page.getByRole('tab', { name: 'Graph' }).click();
  await page.getByRole('img', { name: /^node_load5: line chart/ }).waitFor();
  await page.goBack();
  await page.getByRole('tab', { name: 'Table', selected: true }).waitFor();
});

journey('A typed range is understood or refused in words', LIGHT, async ({ page, at }) => {
  await page.goto(at('explore?expr=node_load1'));
  await page.getByRole('img', { name: /^node_load1/ }).waitFor();
  await page.keyboard.press('t');
  const panel = page.getByRole('dialog', { name: 'Time range' });
  await panel.getByLabel('From').fill('yesterday');
  await page.keyboard.press('Enter');
  await panel.getByText(/“yesterday” is not a time/).waitFor();
  await assertAccessible(page);
  await screenshot(page, 'time-panel');
  await panel.getByLabel('From').fill('2009-05-02 00:56');
  await panel.getByLabel('To').fill('2009-05-03');
  await page.keyboard.press('Enter');
  // The page shows Paris time, two hours ahead of UTC in May.
  await page.waitForURL(/from=2009-05-01T22:56:00Z&to=2009-05-02T22:00:00Z/);
  await page.keyboard.press('t');
  await panel.getByLabel('UTC').check();
  await page.getByRole('button', { name: /2009-05-01 22:56/ }).waitFor();
  await panel.getByRole('button', { name: 'Last 6 hours' }).click();
  await page.waitForURL(/from=now-6h&to=now&tz=utc/);
});

journey('Everything by keyboard', DARK, async ({ page, at }) => {
  await page.goto(at(''));
  await page.getByRole('region', { name: 'CPU' }).waitFor();
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
  await assertAccessible(page);
  await screenshot(page, 'keyboard-help');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+k');
  const palette = page.getByRole('dialog', { name: 'Go to' });
  await palette.getByRole('combobox', { name: 'Place or metric' }).fill('expl');
  await palette.getByRole('option', { name: /Explore/ }).waitFor();
  await assertAccessible(page);
  await screenshot(page, 'palette');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Ask something' }).waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('up');
  await page.keyboard.press('Control+Enter');
  await page.getByRole('img', { name: /^up: line chart of 2 series/ }).waitFor();
});

journey('A chosen theme outlives a reload', LIGHT, async ({ page, at }) => {
  await page.goto(at('explore'));
  const background = async (): Promise<unknown> =>
    page.evaluate('getComputedStyle(document.documentElement).backgroundColor');
  const light = await background();
  await page.getByRole('button', { name: 'Theme: system' }).click();
  await page.getByRole('button', { name: 'Theme: light' }).click();
  await page.getByRole('button', { name: 'Theme: dark' }).waitFor();
  assert.notEqual(await background(), light);
  await page.reload();
  await page.getByRole('button', { name: 'Theme: dark' }).waitFor();
  assert.notEqual(await background(), light);
});

for (const place of ['', 'explore?expr=node_load1']) {
  journey(`Nothing shifts while "/${place}" loads and refreshes`, LIGHT, async ({ page, at }) => {
    const shifts = await countShifts(page);
    await page.goto(at(place));
    await page
      .getByRole('img', { name: /line chart/ })
      .first()
      .waitFor();
    await page.locator('.u-over').first().waitFor();
    await page
      .getByRole('img', { name: /line chart/ })
      .first()
      .hover();
    assert.deepEqual(await shifts(), []);
  });
}

journey('An unknown address says so', LIGHT, async ({ page, at }) => {
  await page.goto(at('nowhere'));
  await page.getByRole('heading', { name: 'There is no place called “nowhere”' }).waitFor();
  await assertAccessible(page);
});
