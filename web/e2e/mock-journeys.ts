/** Journeys against the mock: one browser and one mock a file, a fresh page and state a journey. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import type { MockState } from '../mock-api/mock-answer.ts';
import { newTenancy } from '../mock-api/tenancy.ts';
import {
  CHROMIUM,
  startBrowser,
  startTarget,
  withPage,
  type Look,
  type PageOptions,
  type Target,
} from './harness.ts';

export interface Setup extends PageOptions {
  readonly store?: 'host' | 'written' | 'empty';
  readonly bornSec?: number;
  readonly hasGuards?: boolean;
  readonly refusedCount?: number;
  readonly rules?: string;
}

export interface MockJourneys {
  readonly journey: (name: string, setup: Setup, body: (look: Look) => Promise<void>) => void;
  /** The mock's state in the journey that runs. */
  readonly mock: () => MockState;
}

export const LIGHT = { colorScheme: 'light' } as const;
export const DARK = { colorScheme: 'dark' } as const;
export const NARROW = { viewport: { width: 360, height: 740 } } as const;
export const THEMES = [
  ['light', LIGHT],
  ['dark', DARK],
] as const;

/** A 400 or 500 answered on purpose is logged by the browser itself. */
export const REFUSED = /Failed to load resource/;

export function mockJourneys(): MockJourneys {
  let browser: Browser;
  let target: Target;
  before(async () => {
    if (CHROMIUM.path === '') return;
    target = await startTarget('');
    browser = await startBrowser();
  });
  after(async () => {
    if (CHROMIUM.path === '') return;
    await browser.close();
    await target.close();
  });
  const mock = (): MockState => {
    assert.ok(target.mock);
    return target.mock.state;
  };
  return {
    mock,
    journey: (name, setup, body) => {
      const { store = 'host', bornSec = 0, hasGuards = true, ...rest } = setup;
      const { refusedCount = 0, rules, ...options } = rest;
      test(name, { skip: CHROMIUM.skip }, async () => {
        Object.assign(mock(), {
          store,
          bornSec,
          hasGuards,
          refusedCount,
          rules,
          hasBreaches: false,
        });
        Object.assign(mock(), { tenancy: newTenancy(), wantsToken: false, isOwnToken: false });
        mock().cancelled.length = 0;
        await withPage(browser, target, options, body);
      });
    },
  };
}

export async function assertNoSidewaysScroll({ page }: Look): Promise<void> {
  const extra = await page.evaluate(
    'document.documentElement.scrollWidth - document.documentElement.clientWidth',
  );
  assert.ok(Number(extra) <= 0, 'the page fits its width');
}
