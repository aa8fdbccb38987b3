/**
 * Which machine a job's charts are of. Several machines may write under one job, and a server that
 * was started again on another port is a new instance beside its old self.
 */

/** A target and when it was last seen; one per job and instance. */
export interface SeenTarget {
  readonly job: string;
  readonly instance: string;
  readonly sec: number;
}

/** An instance that much older than the newest one of its job has fallen silent. */
const SILENT_AFTER_SEC = 60;

/** Instances of a job in reading order. */
export function instancesOf(seen: readonly SeenTarget[], job: string): string[] {
  return seen
    .filter((target) => target.job === job)
    .map((target) => target.instance)
    .toSorted();
}

/**
 * The instance asked for, else the first in reading order that is not silent. Asked for is shown
 * even when unknown: the page then says that it has no samples. Undefined when there is none.
 */
export function pickInstance(
  seen: readonly SeenTarget[],
  job: string,
  asked?: string,
): string | undefined {
  if (asked !== undefined) return asked;
  const ofJob = seen.filter((target) => target.job === job);
  const newestSec = Math.max(...ofJob.map((target) => target.sec));
  return instancesOf(
    ofJob.filter((target) => newestSec - target.sec < SILENT_AFTER_SEC),
    job,
  )[0];
}

/** Matchers of a job; of one instance where there are others, or where one was asked for. */
export function jobMatchers(seen: readonly SeenTarget[], job: string, asked?: string): string {
  const instance = pickInstance(seen, job, asked);
  const isOnly = asked === undefined && instancesOf(seen, job).length < 2;
  const ofJob = `job=${JSON.stringify(job)}`;
  return isOnly || instance === undefined ? ofJob : `${ofJob},instance=${JSON.stringify(instance)}`;
}
