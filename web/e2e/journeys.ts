/**
 * The journeys that hold on any server with the collector on: the mock and the product run the very
 * same steps. Each takes a fresh page.
 */
import assert from 'node:assert/strict';
import { assertAccessible, drawnPixels, screenshot, type Look } from './harness.ts';

const HOST_CARDS = ['CPU', 'Memory', 'Load', 'Disk throughput', 'Network', 'Filesystems'];
const OWN_CARDS = ['Samples written', 'Active series', 'Data on disk'];

/** Home shows the host's and Orrery's charts with lines in them. */
export async function homeDraws({ page, at }: Look, picture: string): Promise<void> {
  await page.goto(at(''));
  for (const name of [...HOST_CARDS, ...OWN_CARDS]) {
    await page.getByRole('region', { name, exact: true }).waitFor();
  }
  for (const name of ['CPU', 'Memory', 'Load', 'Active series']) {
    await page.getByRole('img', { name: new RegExp(`^${name}: line chart`) }).waitFor();
  }
  assert.ok((await drawnPixels(page, '[aria-label="Memory"]')) > 20, 'memory has a line');
  await assertAccessible(page);
  await screenshot(page, picture);
}

/** Explore runs a typed query, draws it, and the address carries it. */
export async function exploreRuns({ page, at }: Look, picture: string): Promise<void> {
  await page.goto(at('explore'));
  await page.getByRole('heading', { name: 'Ask something' }).waitFor();
  await page.keyboard.press('/');
  const query = page.getByRole('textbox', { name: 'Query' });
  await query.fill('node_memory_MemAvailable_bytes');
  await page.keyboard.press('Control+Enter');
  await page.getByRole('img', { name: /^node_memory_MemAvailable_bytes: line chart/ }).waitFor();
  const legend = page.getByRole('region', { name: 'Legend' });
  await legend.getByRole('button', { name: /node_memory_MemAvailable_bytes/ }).waitFor();
  await page.getByText(/^1 series, one point every/).waitFor();
  assert.match(await legend.innerText(), /[KMG]iB/, 'bytes have their unit');
  assert.match(page.url(), /explore\?expr=node_memory_MemAvailable_bytes$/);
  assert.ok((await drawnPixels(page, '.result')) > 20, 'the graph has a line');
  await assertAccessible(page);
  await screenshot(page, picture);
}

/** The table of the same query has the exact value. */
export async function tableShowsExact({ page, at }: Look, picture: string): Promise<void> {
  await page.goto(at('explore?expr=up&tab=table'));
  const table = page.getByRole('region', { name: 'Result table' });
  await table.getByRole('columnheader', { name: 'job' }).waitFor();
  await table.getByRole('cell', { name: 'orrery', exact: true }).waitFor();
  assert.ok((await table.getByRole('cell', { name: '1', exact: true }).count()) >= 2);
  await assertAccessible(page);
  await screenshot(page, picture);
}
