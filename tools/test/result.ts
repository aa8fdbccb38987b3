// What one tier's run came to. Counts are read from the TAP that node:test writes beside the output
// meant for people, but the exit code has the last word: a late stray exception leaves every count
// clean and the exit code 1. A skip is only accepted for the reasons of test/support/skip.ts.
import { isAllowedSkip, isAllowedWhenStrict } from '../../test/support/skip.ts';

export interface TierResult {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Sentences printed under the tier's line: failures not told by the output, skips. */
  readonly notes: readonly string[];
  /** What is shown in full when the tier failed. */
  readonly output: string;
}

/** How a child process ended. */
export interface Ending {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly isLate: boolean;
  readonly output: string;
}

/** Null when the process ended well. */
function complaint(ending: Ending, deadlineSec: number): string | null {
  if (ending.isLate) return `stopped at its deadline of ${deadlineSec} s`;
  if (ending.signal !== null) return `died of ${ending.signal}`;
  return ending.exitCode === 0 ? null : `exit code ${ending.exitCode}`;
}

export function checkResult(ending: Ending, deadlineSec: number): TierResult {
  const wrong = complaint(ending, deadlineSec);
  const failed = wrong === null ? 0 : 1;
  const notes = wrong === null ? [] : [wrong];
  return { passed: 1 - failed, failed, skipped: 0, notes, output: ending.output };
}

interface TapCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skips: readonly string[];
  readonly todo: number;
  /** False when the process died before its last lines. */
  readonly isComplete: boolean;
}

/** Reads node:test's closing counts (`# pass N` …) and every `# SKIP reason` directive. */
export function readTap(tap: string): TapCounts {
  const counts = new Map<string, number>();
  for (const [, key, value] of tap.matchAll(/^# (tests|pass|fail|cancelled|todo) (\d+)$/gm))
    if (key !== undefined) counts.set(key, Number(value));
  const skips: string[] = [];
  for (const [, name, reason] of tap.matchAll(/^\s*ok \d+ - (.*?) # SKIP ?(.*)$/gm))
    skips.push(reason === undefined || reason === '' ? `${name}: no reason given` : reason);
  const count = (key: string): number => counts.get(key) ?? 0;
  return {
    passed: count('pass'),
    failed: count('fail') + count('cancelled'),
    skips,
    todo: count('todo'),
    isComplete: counts.has('tests'),
  };
}

export function suiteResult(
  ending: Ending,
  tap: string,
  options: { deadlineSec: number; isStrict: boolean },
): TierResult {
  const counts = readTap(tap);
  const notes: string[] = [];
  let failed = counts.failed;
  const wrong = complaint(ending, options.deadlineSec);
  if (wrong !== null && (failed === 0 || ending.isLate)) {
    failed++;
    notes.push(ending.isLate ? wrong : `${wrong}, though no test failed`);
  } else if (!counts.isComplete) {
    failed++;
    notes.push('ended without its counts');
  } else if (counts.passed + failed + counts.skips.length === 0) {
    failed++;
    notes.push('its files hold no test');
  }
  let skipped = 0;
  for (const [reason, count] of tally(counts.skips)) {
    const isAllowed = options.isStrict ? isAllowedWhenStrict : isAllowedSkip;
    const isFailure = !isAllowed(reason);
    if (isFailure) failed += count;
    else skipped += count;
    notes.push(`${isFailure ? 'FAILED because skipped' : 'SKIPPED'} ${count} ×: ${reason}`);
  }
  if (counts.todo > 0) {
    failed += counts.todo;
    notes.push(`${counts.todo} marked as not done yet, which counts as failed`);
  }
  return { passed: counts.passed, failed, skipped, notes, output: ending.output };
}

function tally(reasons: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return counts;
}

/** A tier that did not run at all: skipped loudly, a failure under TEST_STRICT=1. */
export function notRun(reason: string, options: { isStrict: boolean }): TierResult {
  const note = `${options.isStrict ? 'FAILED because skipped' : 'SKIPPED'}: ${reason}`;
  const failed = options.isStrict ? 1 : 0;
  return { passed: 0, failed, skipped: 1 - failed, notes: [note], output: '' };
}
