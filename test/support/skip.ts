// The only two things a test may be skipped for, with the words the test runner knows them by.
// Every other skip, and under TEST_STRICT=1 these two as well, counts as a failure there.

/** Opens the reason of a test that needs the suites or data beside the repository. */
export const NEEDS_SHARED = 'needs ../shared';
/** Opens the reason of a test that needs a browser. */
export const NEEDS_CHROMIUM = 'needs Chromium';

/** The `skip` option of node:test: false to run, or the reason. */
export type Skip = string | false;

/** False when `present`, else a reason made of one of the two openings and `detail`. */
export function skipUnless(
  present: boolean,
  need: typeof NEEDS_SHARED | typeof NEEDS_CHROMIUM,
  detail: string,
): Skip {
  return present ? false : `${need}: ${detail}`;
}

/** True for a reason made by `skipUnless`. */
export function isAllowedSkip(reason: string): boolean {
  return reason.startsWith(NEEDS_SHARED) || reason.startsWith(NEEDS_CHROMIUM);
}
