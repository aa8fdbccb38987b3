/**
 * Explore whole: completion, errors in place, several queries, stacking, hiding, JSON, heat maps,
 * exemplars, plans, cost and cancelling, each by keyboard or by name, with axe and a picture.
 */
import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { assertAccessible, countShifts, drawnPixels, eventually, screenshot } from './harness.ts';
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

const CPU = 'avg by (mode) (rate(node_cpu_seconds_total[1m]))';

async function typeQuery(page: Page, text: string): Promise<void> {
  await page.getByRole('heading', { name: 'Ask something' }).waitFor();
  await page.locator('.editor-host:not([hidden])').waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type(text);
}

/** Takes the option offered; the editor ignores keys that come before an eye could see it. */
async function acceptOption(page: Page): Promise<void> {
  await page.waitForTimeout(120);
  await page.keyboard.press('Enter');
}

for (const [theme, options] of THEMES) {
  journey(`Names are completed, with type and help, ${theme}`, options, async ({ page, at }) => {
    await page.goto(at('explore'));
    await typeQuery(page, 'node_cp');
    const option = page.getByRole('option', { name: /node_cpu_seconds_total/ });
    await option.waitFor();
    await page.getByText('Seconds the CPUs spent in each mode.').waitFor();
    await assertAccessible(page);
    await screenshot(page, `complete-metric-${theme}`);
    await acceptOption(page);
    await page.keyboard.type('{mo');
    await page.getByRole('option', { name: 'mode' }).waitFor();
    await acceptOption(page);
    await page.keyboard.type('="');
    await page.getByRole('option', { name: 'iowait' }).waitFor();
    await screenshot(page, `complete-value-${theme}`);
    await page.keyboard.type('us');
    await page.getByRole('option', { name: 'user' }).waitFor();
    await acceptOption(page);
    await page.keyboard.press('Control+Enter');
    await page.waitForURL(/expr=node_cpu_seconds_total%7Bmode%3D%22user%22%7D$/);
  });
}

journey('Functions are completed', LIGHT, async ({ page, at }) => {
  await page.goto(at('explore'));
  await typeQuery(page, 'ra');
  const first = page.locator('.cm-tooltip-autocomplete [role=option]').first();
  await first.waitFor();
  assert.equal(await first.locator('.cm-completionLabel').innerText(), 'rate');
  for (const _ of 'ra') await page.keyboard.press('Backspace');
  await page.keyboard.type('histogram_q');
  await page.getByRole('option', { name: 'histogram_quantilefunction' }).waitFor();
  await acceptOption(page);
  await page.getByRole('textbox', { name: 'Query' }).getByText('histogram_quantile').waitFor();
});

journey('A mistake is marked while typing, before anything is asked', LIGHT, async (look) => {
  const { page, at } = look;
  await page.goto(at('explore'));
  await typeQuery(page, 'rate(up)');
  await page.keyboard.press('Escape');
  const mark = page.locator('.cm-lintRange-error');
  await mark.waitFor();
  assert.equal(await mark.innerText(), 'up');
  await mark.hover();
  await page.getByText(/expected type matrix/).waitFor();
  await assertAccessible(page);
  await screenshot(page, 'error-while-typing');
});

journey('The place the server names is marked in the editor', DARK, async (look) => {
  const { page, at, expectError } = look;
  expectError(REFUSED);
  await page.goto(at('explore?expr=sum(up) %2B mock_error'));
  await page.getByRole('alert').waitFor();
  const mark = page.locator('.cm-lintRange-error');
  await mark.waitFor();
  assert.equal(await mark.innerText(), 'mock_error');
  await screenshot(page, 'error-in-editor');
  // It goes once the text is another.
  await page.getByRole('textbox', { name: 'Query' }).click();
  await page.keyboard.press('Control+End');
  await page.keyboard.type('s');
  await mark.waitFor({ state: 'detached' });
});

journey('Several queries are drawn together', LIGHT, async (look) => {
  const { page, at } = look;
  await page.goto(at('explore?expr=node_load1'));
  await page.getByRole('img', { name: /^node_load1: line chart/ }).waitFor();
  await page.getByRole('button', { name: 'Add query' }).click();
  await page.getByRole('textbox', { name: 'Query B' }).waitFor();
  await page.keyboard.type('node_load15');
  await page.keyboard.press('Control+Enter');
  await page.waitForURL(/explore\?expr=node_load1&expr=node_load15$/);
  await page.getByRole('img', { name: /^node_load1 and node_load15: line chart of 2/ }).waitFor();
  await page.getByRole('button', { name: 'B node_load15' }).waitFor();
  await assertAccessible(page);
  await screenshot(page, 'several-queries');
  await page.getByRole('button', { name: 'Ask A' }).click();
  await page.waitForURL(/off=1$/);
  await page.getByRole('img', { name: /^node_load15: line chart of 1/ }).waitFor();
  await page.getByRole('tab', { name: 'Table' }).click();
  await page.getByRole('region', { name: 'Result of B' }).waitFor();
  await page.getByRole('button', { name: 'Ask A' }).click();
  await page.getByRole('region', { name: 'Result of A' }).waitFor();
  await assertAccessible(page);
  await screenshot(page, 'several-tables');
  await page.getByRole('button', { name: 'Remove B' }).click();
  await page.waitForURL(/explore\?expr=node_load1&tab=table$/);
  await page.goBack();
  await page.getByRole('textbox', { name: 'Query B' }).getByText('node_load15').waitFor();
});

journey('One of several queries fails, the others are drawn', LIGHT, async (look) => {
  const { page, at, expectError } = look;
  expectError(REFUSED);
  await page.goto(at('explore?expr=node_load1&expr=mock_limit'));
  await page.getByRole('img', { name: /line chart of 1 series/ }).waitFor();
  await page.getByText('A limit refused the query').waitFor();
  await assertAccessible(page);
  await screenshot(page, 'one-of-several-fails');
});

for (const [theme, options] of THEMES) {
  journey(`Series are stacked, in the address, ${theme}`, options, async ({ page, at }) => {
    await page.goto(at(`explore?expr=${encodeURIComponent(CPU)}`));
    await page.getByRole('img', { name: /line chart of 3 series/ }).waitFor();
    const before = await drawnPixels(page, '.result');
    await page.getByRole('button', { name: 'Stacked' }).click();
    await page.waitForURL(/&stack=1$/);
    await page.getByRole('img', { name: /stacked chart of 3 series/ }).waitFor();
    const after = await drawnPixels(page, '.result');
    assert.ok(after > 4 * before, `areas are filled: ${before} pixels, then ${after}`);
    await assertAccessible(page);
    await screenshot(page, `stacked-${theme}`);
  });
}

journey('What is hidden is in the address and comes back with it', LIGHT, async ({ page, at }) => {
  await page.goto(at(`explore?expr=${encodeURIComponent(CPU)}`));
  const row = (mode: string) => page.getByRole('button', { name: `{mode="${mode}"}` });
  await row('user').click({ modifiers: ['Control'] });
  await page.waitForURL(/&hide=[0-9a-z]+$/);
  const link = page.url();
  assert.equal(await row('user').getAttribute('aria-pressed'), 'false');
  await page.goto(at('explore'));
  await page.goto(link);
  await row('user').waitFor();
  assert.equal(await row('user').getAttribute('aria-pressed'), 'false');
  assert.equal(await row('system').getAttribute('aria-pressed'), 'true');
  await page.getByRole('button', { name: 'Show all series' }).click();
  assert.equal(await row('user').getAttribute('aria-pressed'), 'true');
  await row('system').focus();
  await page.keyboard.press('Enter');
  await page.waitForURL(/&only=[0-9a-z]+$/);
});

journey('The answer is shown as JSON, with the line that asks for it', LIGHT, async (look) => {
  const { page, at } = look;
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.goto(at('explore?expr=node_load1&tab=json'));
  await page.getByLabel('Answer, JSON').getByText('"resultType": "matrix"').waitFor();
  await assertAccessible(page);
  await screenshot(page, 'json');
  await page.getByRole('button', { name: 'Copy curl line' }).click();
  const curl = String(await page.evaluate('navigator.clipboard.readText()'));
  assert.match(curl, /^curl 'http:\/\/127\.0\.0\.1:\d+\/api\/v1\/query_range\?query=node_load1&/);
  await page.getByRole('button', { name: 'Copy JSON answer' }).click();
  await eventually(page, "navigator.clipboard.readText().then((t) => t.startsWith('{'))");
});

for (const [theme, options] of THEMES) {
  journey(`Native histograms are a heat map, ${theme}`, options, async ({ page, at }) => {
    await page.goto(at('explore?expr=mock_histogram'));
    await page.getByRole('img', { name: /heat map of 2 histograms/ }).waitFor();
    assert.ok((await drawnPixels(page, '.heat')) > 1000, 'cells are drawn');
    await page.locator('.heat .u-over').hover({ position: { x: 500, y: 160 } });
    await page
      .locator('.heat .tooltip')
      .getByText(/ms to .*: /)
      .waitFor();
    await assertAccessible(page);
    await screenshot(page, `heat-map-${theme}`);
  });
}

journey('Exemplars stand on the graph and in a list', DARK, async ({ page, at }) => {
  await page.goto(at('explore?expr=mock_exemplars'));
  await page.getByRole('img', { name: /^mock_exemplars: line chart/ }).waitFor();
  await page.getByRole('button', { name: 'Exemplars', exact: true }).click();
  await page.waitForURL(/&exemplars=1$/);
  await page.getByText('4 exemplars').click();
  await page.getByRole('cell', { name: /4bf92f3577b34da6a3ce929d0e0e4730/ }).waitFor();
  const box = await page.locator('.result .u-over').boundingBox();
  assert.ok(box);
  // The third is far above the axis: it stands at its upper edge.
  await page.mouse.move(box.x + box.width * 0.55, box.y + 1);
  await page
    .locator('.tooltip-mark')
    .getByText(/trace_id="4bf9.*e4732".* 40$/)
    .waitFor();
  await assertAccessible(page);
  await screenshot(page, 'exemplars');
});

journey('No exemplars is said in words', LIGHT, async ({ page, at }) => {
  await page.goto(at('explore?expr=node_load1&exemplars=1'));
  await page.getByText('No exemplars were written with these series.').waitFor();
});

for (const [theme, options] of THEMES) {
  journey(`A query explains what its parts did, ${theme}`, options, async ({ page, at }) => {
    const expr = `${CPU} + on () group_left () node_load1 * 100`;
    await page.goto(at(`explore?expr=${encodeURIComponent(expr)}`));
    await page.getByRole('img', { name: /line chart/ }).waitFor();
    await page.getByRole('tab', { name: 'Explain' }).click();
    const plan = page.getByRole('region', { name: 'Parts' });
    await plan.getByText('sum by (mode) of rate over 60 s of node_cpu_seconds_total').waitFor();
    await plan.getByText('taken from an equal part').waitFor();
    await page.getByText('of 3600 expected').waitFor();
    await assertAccessible(page);
    await screenshot(page, `explain-${theme}`);
  });
}

journey('A link to the plan shows the plan', LIGHT, async ({ page, at }) => {
  await page.goto(at(`explore?expr=${encodeURIComponent(`${CPU} / 2`)}&tab=explain`));
  await page.getByRole('region', { name: 'Parts' }).waitFor();
});

journey('A server that does not explain still shows how it reads', LIGHT, async (look) => {
  const { page, at, expectError } = look;
  mock().hasGuards = false;
  // The browser itself logs an answer of 404.
  expectError(/Failed to load resource/);
  await page.goto(at('explore?expr=sum(rate(node_load1[1m]))&tab=explain'));
  await page.getByText(/does not tell what the parts of a query cost/).waitFor();
  await page.getByText('node_load1{job=~"node|x"}').waitFor();
  await assertAccessible(page);
  await screenshot(page, 'explain-parsed');
});

journey('The cost is told before the query runs', LIGHT, async ({ page, at }) => {
  await page.goto(at('explore?expr=node_load1'));
  await page.getByText('3600 samples read').waitFor();
  await page.getByText('Reads about 60 series, 3600 samples, 42.2 KiB').waitFor();
  await screenshot(page, 'cost');
});

journey('A slow query says how far it is and is cancelled', LIGHT, async ({ page, at }) => {
  await page.goto(at('explore?expr=mock_slow'));
  await page.getByText(/Still running, \d s so far, about 50% read/).waitFor();
  await screenshot(page, 'progress');
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByText('The query was cancelled').waitFor();
});

journey('A query is laid out over lines', LIGHT, async ({ page, at }) => {
  await page.goto(at(`explore?expr=${encodeURIComponent(CPU)}`));
  await page.locator('.editor-host:not([hidden])').waitFor();
  await page.getByRole('button', { name: 'Format' }).click();
  await page.locator('.cm-line').nth(2).waitFor();
});

journey('A thousand series are read beside the page and drawn in slices', LIGHT, async (look) => {
  const { page, at } = look;
  await page.addInitScript(`
    window.__strokes = { frame: 0, most: 0, all: 0 };
    const { stroke } = CanvasRenderingContext2D.prototype;
    CanvasRenderingContext2D.prototype.stroke = function (...path) {
      const count = window.__strokes;
      // Asked for before the next slice is: it runs first in the next frame, however late that is.
      if (count.frame === 0) requestAnimationFrame(() => (count.frame = 0));
      count.frame += 1;
      count.all += 1;
      count.most = Math.max(count.most, count.frame);
      return stroke.apply(this, path);
    };
  `);
  const worker = page.waitForEvent('worker');
  await page.goto(at('explore?expr=mock_huge'));
  assert.match((await worker).url(), /decode-worker/);
  await page.getByRole('img', { name: /line chart of 1000 series/ }).waitFor();
  await eventually(page, 'window.__strokes.all >= 1000');
  const most = Number(await page.evaluate('window.__strokes.most'));
  assert.ok(most < 200, `${most} strokes in one go`);
  assert.ok((await drawnPixels(page, '.result')) > 1000);
  await page.getByRole('searchbox', { name: 'Find series' }).fill('0042');
  await page.getByRole('button', { name: 'mock_huge{series="0042"}' }).click();
  await page.waitForURL(/&only=/);
  await screenshot(page, 'thousand-series-one');
  await page.getByRole('button', { name: 'Show all series' }).click();
  await eventually(page, 'window.__strokes.all >= 2000');
  await screenshot(page, 'thousand-series');
});

journey('Several queries, heat map and plan fit 360 px', NARROW, async (look) => {
  const { page, at } = look;
  for (const [tab, name] of [
    ['graph', 'narrow-several'],
    ['json', 'narrow-json'],
    ['explain', 'narrow-explain'],
  ] as const) {
    const expr = encodeURIComponent(CPU);
    await page.goto(at(`explore?expr=${expr}&expr=node_load15&tab=${tab}&stack=1`));
    await page.getByRole('tab', { selected: true }).waitFor();
    await page
      .getByText(/series, one point every|KiB|without its result/)
      .first()
      .waitFor();
    await assertNoSidewaysScroll(look);
    await assertAccessible(page);
    await screenshot(page, name);
  }
  await page.goto(at('explore?expr=mock_histogram'));
  await page.getByRole('img', { name: /heat map/ }).waitFor();
  await assertNoSidewaysScroll(look);
  await screenshot(page, 'narrow-heat');
  await page.goto(at('explore?expr=node_load1&from=2026-06-01T08:00:00Z&to=2026-06-01T09:00:00Z'));
  const heading = page.getByRole('columnheader');
  await heading.filter({ hasText: 'Max' }).waitFor();
  for (const name of ['Last', 'Min', 'Mean', 'Max'])
    assert.ok(await heading.filter({ hasText: name }).isVisible(), name);
  const refresh = (await page.getByLabel('Refresh').boundingBox())!;
  assert.ok(refresh.x + refresh.width <= NARROW.viewport.width, 'refresh is cut off');
  await assertNoSidewaysScroll(look);
  await assertAccessible(page);
  await screenshot(page, 'narrow-legend');
});

journey('Nothing shifts while several queries load', LIGHT, async ({ page, at }) => {
  const shifts = await countShifts(page);
  await page.goto(at('explore?expr=node_load1&expr=node_load15'));
  await page.getByRole('img', { name: /line chart of 2/ }).waitFor();
  await page.getByText(/Reads about/).waitFor();
  assert.deepEqual(await shifts(), []);
});
