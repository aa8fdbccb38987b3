// Names, values, help texts and refused lines that are markup and script, in every place of the
// console: they are text. Nothing of them becomes an element, nothing runs, nothing is fetched.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { CHROMIUM, startBrowser, startTarget, withPage } from '../../web/e2e/harness.ts';
import type { Target } from '../../web/e2e/harness.ts';
import { startOrrery } from '../apptest/harness.ts';
import type { RunningOrrery } from '../apptest/harness.ts';

const T = Math.floor(Date.now() / 1000) - 30;
/** Each would set a mark of the page, or leave an element, if it were taken for more than text. */
const MARKUP = [
  '<img class=hostile src=/nothing onerror="window.hostile=1">',
  '<script class=hostile>window.hostile=1</script>',
  '"><svg class=hostile onload="window.hostile=1">',
  '</title></style><iframe class=hostile srcdoc="<p>x</p>"></iframe>',
  '<a class=hostile href="javascript:window.hostile=1">x</a>',
  '{{constructor.constructor("window.hostile=1")()}}',
];
/** Named for what JavaScript has, in every series. */
const NAMES = { constructor: 'c', hasOwnProperty: 'h' };

let browser: Browser;
let orrery: RunningOrrery;
let target: Target;

before(async () => {
  if (CHROMIUM.path === '') return;
  browser = await startBrowser();
  orrery = await startOrrery(['--no-collect']);
  target = await startTarget(orrery.url);
  const families = MARKUP.map((text, i) => {
    const help = `# HELP hostile_${i} ${text}\n# TYPE hostile_${i} gauge\n`;
    const value = JSON.stringify(text);
    return `${help}hostile_${i}{text=${value},constructor="c",__proto__="p"} ${i} ${T}000\n`;
  });
  const page = await orrery.post('/api/v1/import/prometheus', families.join(''));
  assert.equal(page.status, 204, page.text);
  for (const [i, text] of MARKUP.entries()) {
    const metric = { __name__: `named ${text}`, [`label ${text}`]: text, ...NAMES };
    const line = JSON.stringify({ metric, values: [i], timestamps: [T * 1000] });
    const wrote = await orrery.post('/api/v1/import', line);
    assert.equal(wrote.status, 204, wrote.text);
    await orrery.post('/write', `${text} no line`);
    const draft = JSON.stringify({ name: text, permissions: ['read'] });
    const made = await orrery.post('/orrery/v1/tenants/default/tokens', draft);
    assert.equal(made.status, 201, made.text);
  }
});

after(async () => {
  if (CHROMIUM.path === '') return;
  await browser.close();
  await orrery.stop();
});

async function assertHarmless(page: Page, where: string): Promise<void> {
  assert.equal(await page.locator('.hostile').count(), 0, `${where}: a text became an element`);
  const mark = await page.evaluate(() => (globalThis as { hostile?: number }).hostile);
  assert.equal(mark, undefined, `${where}: a text was run`);
  const polluted = await page.evaluate(() => Object.keys(Object.getPrototypeOf({}) as object));
  assert.deepEqual(polluted, [], where);
}

test('markup in names, values and help texts is text', { skip: CHROMIUM.skip }, async () => {
  await withPage(browser, target, {}, async ({ page, at, expectError }) => {
    // A selector that is none is told of in the browser's own log.
    expectError(/Failed to load resource/);
    const all = encodeURIComponent('{__name__=~"hostile.*|named.*"}');
    await page.goto(at(`explore?expr=${all}&tab=table`));
    const table = page.getByRole('region', { name: 'Result table' });
    for (const text of MARKUP) await table.getByText(text).first().waitFor();
    await assertHarmless(page, 'the table');
    await page.goto(at(`explore?expr=${all}`));
    await page.getByRole('region', { name: 'Legend' }).getByText('hostile_0').first().waitFor();
    await assertHarmless(page, 'graph and legend');
    for (const text of MARKUP) {
      await page.goto(at(`explore?expr=${encodeURIComponent(text)}`));
      await page.getByRole('alert').first().waitFor();
      await assertHarmless(page, `the error of ${text}`);
    }
    await page.goto(at('metrics-browser'));
    await page.getByText('hostile_0').first().waitFor();
    await assertHarmless(page, 'the list of names');
    await page.goto(at('ingest'));
    await page.getByText(MARKUP[0]!.slice(0, 20)).first().waitFor();
    await assertHarmless(page, 'refused lines');
    await page.goto(at('tenants?tenant=default'));
    const tokens = page.getByRole('region', { name: 'List of tokens' });
    for (const text of MARKUP) await tokens.getByText(text).first().waitFor();
    const growth = page.getByRole('region', { name: 'Growth since yesterday' });
    for (const text of MARKUP) await growth.getByText(text).first().waitFor();
    const series = page.getByRole('region', { name: 'Series', exact: true });
    await series.getByText(MARKUP[0]!).first().waitFor();
    await assertHarmless(page, 'tokens, growth and series of a tenant');
    const metric = `named ${MARKUP[0]}`;
    await page.goto(at(`tenants?tenant=default&metric=${encodeURIComponent(metric)}`));
    await page.getByText('1 series in the last hour, 0 a day before').waitFor();
    await assertHarmless(page, 'one metric of a tenant');
  });
});
