// The only things a test may be skipped for, with the words the test runner knows them by. Every
// other skip, and under TEST_STRICT=1 most of these as well, counts as a failure there.

/** Opens the reason of a test that needs the suites or data beside the repository. */
export const NEEDS_SHARED = 'needs ../shared';
/** Opens the reason of a test that needs a browser. */
export const NEEDS_CHROMIUM = 'needs Chromium';
/** Opens the reason of a test that mounts a file system, which a container may forbid. */
export const NEEDS_MOUNT = 'needs to mount a tmpfs';

/** The `skip` option of node:test: false to run, or the reason. */
export type Skip = string | false;

/** False when `present`, else a reason made of one of the two openings and `detail`. */
export function skipUnless(
  present: boolean,
  need: typeof NEEDS_SHARED | typeof NEEDS_CHROMIUM | typeof NEEDS_MOUNT,
  detail: string,
): Skip {
  return present ? false : `${need}: ${detail}`;
}

/** True for a reason made by `skipUnless`. */
export function isAllowedSkip(reason: string): boolean {
  return [NEEDS_SHARED, NEEDS_CHROMIUM, NEEDS_MOUNT].some((need) => reason.startsWith(need));
}

/** True for what no installation can mend: a permission of the machine that the tests run on. */
export function isAllowedWhenStrict(reason: string): boolean {
  return reason.startsWith(NEEDS_MOUNT);
}
