/**
 * What every browser test needs: a browser, a server to look at, a page that fails the test when
 * the console logs an error, throws, or breaks its own content security policy, and axe.
 *
 * ORRERY_URL points the journeys at a running product; CHROMIUM names the browser.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { chromiumPath } from '../../test/support/chromium.ts';
import { startMockServer, type MockServer } from '../mock-api/server.ts';

export interface Target {
  readonly url: string;
  /** Undefined when a real server is looked at. */
  readonly mock: MockServer | undefined;
  readonly close: () => Promise<void>;
}

export interface Look {
  readonly page: Page;
  /** Address of a place: `at('explore?expr=up')`. */
  readonly at: (place: string) => string;
  /** Console errors that a test provokes on purpose, such as a refused request. */
  readonly expectError: (pattern: RegExp) => void;
  /** Asserts that nothing went wrong so far; called by `withPage` at the end. */
  readonly assertClean: () => void;
}

export type PageOptions = BrowserContextOptions;

const SCREENSHOTS = fileURLToPath(new URL('../../dist/screenshots/', import.meta.url));
/** A longer page is pictured by its first screen. */
const PICTURE_HEIGHT_MAX_PX = 3000;
const EVENTUALLY_MS_MAX = 10_000;
const EVENTUALLY_EVERY_MS = 50;
const BROWSER_ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const AXE_TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const AXE_PATH = fileURLToPath(import.meta.resolve('axe-core/axe.min.js'));

/** The browser, or why the tests that need one are skipped. */
export const CHROMIUM = chromiumPath();

export async function startBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM.path, args: BROWSER_ARGS });
}

/** The server named by `url`, by ORRERY_URL, or the mock on a free port. */
export async function startTarget(url = process.env['ORRERY_URL']): Promise<Target> {
  if (url !== undefined && url !== '') {
    return { url: url.replace(/\/$/, ''), mock: undefined, close: async () => undefined };
  }
  const mock = await startMockServer(0);
  return { url: mock.url, mock, close: mock.close };
}

/** Runs `body` on a fresh page and fails if the page complained. */
export async function withPage(
  browser: Browser,
  target: Target,
  options: PageOptions,
  body: (look: Look) => Promise<void>,
): Promise<void> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    timezoneId: 'Europe/Paris',
    locale: 'en-GB',
    ...options,
  });
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(10_000);
    const look = watch(page, target);
    await body(look);
    look.assertClean();
  } finally {
    await context.close();
  }
}

function watch(page: Page, target: Target): Look {
  const complaints: string[] = [];
  const expected: RegExp[] = [];
  page.on('pageerror', (error) => complaints.push(`page error: ${error.message}`));
  page.on('console', (message) => {
    // Chromium reports a broken policy as a console error, so this covers it.
    if (message.type() === 'error') complaints.push(`console: ${message.text()}`);
  });
  page.on('request', (request) => {
    const isOwn = request.url().startsWith(target.url) || /^(?:blob|data):/.test(request.url());
    if (!isOwn) complaints.push(`request to another origin: ${request.url()}`);
  });
  return {
    page,
    at: (place) => `${target.url}/${place}`,
    expectError: (pattern) => expected.push(pattern),
    assertClean: () => {
      const left = complaints.filter((text) => !expected.some((pattern) => pattern.test(text)));
      assert.deepEqual(left, [], 'the page must not complain');
    },
  };
}

/** Runs axe on the page as it stands; every violation is listed with its places. */
export async function assertAccessible(page: Page): Promise<void> {
  await page.evaluate(readFileSync(AXE_PATH, 'utf8'));
  const run = `axe.run(document, { runOnly: ${JSON.stringify(AXE_TAGS)} })`;
  const results = (await page.evaluate(run)) as {
    violations: { id: string; help: string; nodes: { html: string; failureSummary?: string }[] }[];
  };
  const found = results.violations.map(
    ({ id, help, nodes }) =>
      `${id}: ${help}\n  ${nodes.map((n) => `${n.html}\n    ${n.failureSummary}`).join('\n  ')}`,
  );
  assert.deepEqual(found, [], found.join('\n'));
}

/** Keeps a picture to be looked at: `dist/screenshots/<name>.png`. */
export async function screenshot(page: Page, name: string): Promise<void> {
  await mkdir(SCREENSHOTS, { recursive: true });
  const heightPx = Number(await page.evaluate('document.documentElement.scrollHeight'));
  const fullPage = heightPx <= PICTURE_HEIGHT_MAX_PX;
  await page.screenshot({ path: `${SCREENSHOTS}${name}.png`, fullPage });
}

/** Starts recording layout shifts, what moved and where; call before the page is opened. */
export async function countShifts(page: Page): Promise<() => Promise<readonly string[]>> {
  await page.addInitScript(`
    window.__shifts = [];
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        if (entry.hadRecentInput) continue;
        for (const { node, previousRect: a, currentRect: b } of entry.sources) {
          const name = node?.className || node?.nodeName || node?.textContent;
          window.__shifts.push(name + ' ' + JSON.stringify(a) + ' to ' + JSON.stringify(b));
        }
      }
    }).observe({ type: 'layout-shift', buffered: true });
  `);
  return async () => (await page.evaluate('window.__shifts')) as readonly string[];
}

/**
 * Share of pixels of the page's first chart that are not background: an empty canvas, whatever its
 * labels say, draws nothing between its axes.
 */
export async function drawnPixels(page: Page, selector: string): Promise<number> {
  await page.locator(`${selector} .u-over`).first().waitFor();
  // uPlot paints in the next frame; two later it is on the canvas.
  const count = await page.evaluate(`(async () => {
    for (let i = 0; i < 2; i += 1) await new Promise(requestAnimationFrame);
    const canvas = document.querySelector(${JSON.stringify(`${selector} canvas`)});
    if (canvas === null) return 0;
    const { width, height } = canvas;
    const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
    let coloured = 0;
    for (let i = 0; i < data.length; i += 4) {
      const [r, g, b, a] = [data[i], data[i + 1], data[i + 2], data[i + 3]];
      // Axes and grid are nearly grey; lines of series have colour.
      if (a > 128 && Math.max(r, g, b) - Math.min(r, g, b) > 60) coloured += 1;
    }
    return coloured;
  })()`);
  return Number(count);
}

/**
 * Waits until an expression holds on the page. The page's policy forbids the browser driver's own
 * way, which evaluates text inside the page.
 */
export async function eventually(page: Page, expression: string): Promise<void> {
  const untilMs = performance.now() + EVENTUALLY_MS_MAX;
  while ((await page.evaluate(expression)) !== true) {
    assert.ok(performance.now() < untilMs, `never true: ${expression}`);
    await page.waitForTimeout(EVENTUALLY_EVERY_MS);
  }
}
