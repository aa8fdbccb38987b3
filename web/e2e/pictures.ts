/**
 * The pictures of the README, from a running server: `node web/e2e/pictures.ts URL`. Home wants a
 * server that has collected for five minutes; Explore wants the light curves that this writes first
 * from `../shared`. Look at each before it is committed.
 */
import { readFile, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { sharedPath } from '../../test/support/shared.ts';
import { startBrowser, startTarget, withPage } from './harness.ts';

interface Picture {
  readonly name: string;
  readonly theme: 'light' | 'dark';
  readonly place: string;
  /** Lines that must be drawn first: the names of the charts. */
  readonly charts: readonly RegExp[];
}

const IMAGES = fileURLToPath(new URL('../../docs/images/', import.meta.url));
const SIZE_BYTES_MAX = 200_000;

/** Stars with large planets, by their number in the Kepler Input Catalog. */
const STARS: readonly (readonly [string, string])[] = [
  ['010874614', 'Kepler-6'],
  ['005780885', 'Kepler-7'],
  ['011804465', 'Kepler-12'],
  ['011359879', 'Kepler-15'],
];
const TRANSITS = '{"sap.flux"} / on (OBJECT) avg_over_time({"sap.flux"}[4d])';

const PICTURES: readonly Picture[] = [
  {
    name: 'home-light',
    theme: 'light',
    place: '',
    charts: [/^CPU: line/, /^Memory: line/, /^Network: line/, /^Data on disk: line/],
  },
  {
    name: 'explore-dark',
    theme: 'dark',
    place: `explore?expr=${encodeURIComponent(TRANSITS)}&from=2009-08-26&to=2009-09-08&tz=utc`,
    charts: [/line chart of 4 series/],
  },
];

const [url] = process.argv.slice(2);
if (url === undefined)
  throw new Error('which server? node web/e2e/pictures.ts http://127.0.0.1:4332');
await writeStars(url);
const browser = await startBrowser();
const target = await startTarget(url);
for (const picture of PICTURES) {
  const options = { colorScheme: picture.theme, timezoneId: 'UTC' };
  await withPage(browser, target, options, async ({ page, at }) => {
    await page.goto(at(picture.place));
    await take(page, picture);
  });
}
await browser.close();

async function take(page: Page, { name, charts }: Picture): Promise<void> {
  for (const chart of charts) await page.getByRole('img', { name: chart }).waitFor();
  await page.locator('.u-over').first().waitFor();
  // The logo turns once: wait for what still moves.
  await page.evaluate('Promise.all(document.getAnimations().map((one) => one.finished))');
  const path = `${IMAGES}${name}.png`;
  await page.screenshot({ path });
  const { size } = await stat(path);
  if (size > SIZE_BYTES_MAX) throw new Error(`${path} has ${size} bytes`);
  console.info(`${path} ${size} bytes`);
}

async function writeStars(server: string): Promise<void> {
  for (const [catalog, star] of STARS) {
    const curve = sharedPath(`data/exoplanets/hew/kic${catalog}.csv.gz`);
    if (curve.skip !== false) throw new Error(curve.skip);
    const rows = gunzipSync(await readFile(curve.path))
      .toString()
      .trim()
      .split('\n')
      .slice(1);
    const lines = rows.map((row) => {
      const [timeUs, flux] = row.split(',');
      return `sap.flux,OBJECT=${star} value=${flux} ${timeUs}`;
    });
    const body = lines.join('\n');
    const answer = await fetch(`${server}/write?precision=u`, { method: 'POST', body });
    if (answer.status !== 204) throw new Error(await answer.text());
  }
}
