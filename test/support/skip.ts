// The only things a test may be skipped for, with the words the test runner knows them by. Every
// other skip, and under TEST_STRICT=1 most of these as well, counts as a failure there.

/** Opens the reason of a test that needs the suites or data beside the repository. */
export const NEEDS_SHARED = 'needs ../shared';
/** Opens the reason of a test that needs a browser. */
export const NEEDS_CHROMIUM = 'needs Chromium';
/** Opens the reason of a test that mounts a file system, which a container may forbid. */
export const NEEDS_MOUNT = 'needs to mount a tmpfs';

/** Opens the reason of a test against a server of others that was asked to be left out. */
export const NEEDS_PEER = 'needs a peer';

/** The `skip` option of node:test: false to run, or the reason. */
export type Skip = string | false;

const NEEDS = [NEEDS_SHARED, NEEDS_CHROMIUM, NEEDS_MOUNT, NEEDS_PEER] as const;

/** False when `present`, else a reason made of one of the openings and `detail`. */
export function skipUnless(present: boolean, need: (typeof NEEDS)[number], detail: string): Skip {
  return present ? false : `${need}: ${detail}`;
}

/** True for a reason made by `skipUnless`. */
export function isAllowedSkip(reason: string): boolean {
  return NEEDS.some((need) => reason.startsWith(need));
}

/** True for what no installation can mend: a permission of the machine that the tests run on. */
export function isAllowedWhenStrict(reason: string): boolean {
  return reason.startsWith(NEEDS_MOUNT);
}
