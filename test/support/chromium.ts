// Finds the browser that the browser tier drives: CHROMIUM, else a system's usual places.
// Never downloads one. Use: const browser = chromiumPath(); test('…', { skip: browser.skip }, …).
import { existsSync } from 'node:fs';
import type { Skip } from './skip.ts';
import { NEEDS_CHROMIUM, skipUnless } from './skip.ts';

const USUAL_PATHS = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** The executable, or an empty path and the reason to skip. */
export function chromiumPath(): { readonly path: string; readonly skip: Skip } {
  const asked = process.env['CHROMIUM'];
  const candidates = asked === undefined ? USUAL_PATHS : [asked];
  const path = candidates.find((candidate) => existsSync(candidate)) ?? '';
  return {
    path,
    skip: skipUnless(path !== '', NEEDS_CHROMIUM, `none at ${candidates.join(', ')}`),
  };
}
