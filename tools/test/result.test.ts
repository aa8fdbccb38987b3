// The counting of the test command: exit codes over counts, and only the allowed skips.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NEEDS_CHROMIUM, NEEDS_MOUNT, NEEDS_SHARED } from '../../test/support/skip.ts';
import type { Ending } from './result.ts';
import { checkResult, notRun, readTap, suiteResult } from './result.ts';

const GOOD: Ending = { exitCode: 0, signal: null, isLate: false, output: '' };
const LAX = { deadlineSec: 9, isStrict: false };
const STRICT = { deadlineSec: 9, isStrict: true };

function tap(counts: { pass?: number; fail?: number; cancelled?: number; todo?: number }): string {
  const { pass = 0, fail = 0, cancelled = 0, todo = 0 } = counts;
  return `# tests ${pass + fail}\n# suites 0\n# pass ${pass}\n# fail ${fail}\n# cancelled ${cancelled}\n# skipped 0\n# todo ${todo}\n`;
}

test('counts come from the closing lines, skips from their directives', () => {
  const text = `ok 1 - a\n    ok 1 - b # SKIP ${NEEDS_SHARED}: x\nok 2 - c # SKIP\n${tap({ pass: 3, fail: 1, cancelled: 2 })}`;
  assert.deepEqual(readTap(text), {
    passed: 3,
    failed: 3,
    skips: [`${NEEDS_SHARED}: x`, 'c: no reason given'],
    todo: 0,
    isComplete: true,
  });
});

test('a clean run passes', () => {
  const result = suiteResult(GOOD, tap({ pass: 2 }), STRICT);
  assert.deepEqual(result, { passed: 2, failed: 0, skipped: 0, notes: [], output: '' });
});

test('clean counts with exit code 1 are a failure', () => {
  const result = suiteResult({ ...GOOD, exitCode: 1 }, tap({ pass: 2 }), LAX);
  assert.equal(result.failed, 1);
  assert.match(result.notes.join(), /exit code 1, though no test failed/);
});

test('exit code 1 adds nothing to counted failures', () => {
  assert.equal(suiteResult({ ...GOOD, exitCode: 1 }, tap({ pass: 1, fail: 2 }), LAX).failed, 2);
});

test('a deadline, a missing report, an empty report and work marked undone fail', () => {
  const late = { ...GOOD, exitCode: null, signal: 'SIGKILL', isLate: true };
  assert.equal(suiteResult(late, '', LAX).failed, 1);
  assert.equal(suiteResult(late, tap({ pass: 1, fail: 1 }), LAX).failed, 2);
  assert.equal(suiteResult(GOOD, 'ok 1 - a\n', LAX).failed, 1);
  assert.equal(suiteResult(GOOD, tap({}), LAX).failed, 1);
  assert.equal(suiteResult(GOOD, tap({ pass: 1, todo: 1 }), LAX).failed, 1);
});

test('a skip counts as one for known reasons, when strict only for what nobody can mend', () => {
  const allowed = `ok 1 - a # SKIP ${NEEDS_CHROMIUM}: none\n${tap({ pass: 1 })}`;
  const other = `ok 1 - a # SKIP later\n${tap({ pass: 1 })}`;
  assert.deepEqual(failedAndSkipped(suiteResult(GOOD, allowed, LAX)), [0, 1]);
  assert.deepEqual(failedAndSkipped(suiteResult(GOOD, allowed, STRICT)), [1, 0]);
  const forbidden = `ok 1 - a # SKIP ${NEEDS_MOUNT}: EPERM\n${tap({ pass: 1 })}`;
  assert.deepEqual(failedAndSkipped(suiteResult(GOOD, forbidden, LAX)), [0, 1]);
  assert.deepEqual(failedAndSkipped(suiteResult(GOOD, forbidden, STRICT)), [0, 1]);
  assert.deepEqual(failedAndSkipped(suiteResult(GOOD, other, LAX)), [1, 0]);
});

test('a tier that did not run is a skip, a failure when strict', () => {
  assert.deepEqual(failedAndSkipped(notRun('no file', LAX)), [0, 1]);
  assert.deepEqual(failedAndSkipped(notRun('no file', STRICT)), [1, 0]);
});

test('a check is its exit code', () => {
  assert.deepEqual(failedAndSkipped(checkResult(GOOD, 9)), [0, 0]);
  assert.deepEqual(failedAndSkipped(checkResult({ ...GOOD, exitCode: 2 }, 9)), [1, 0]);
});

function failedAndSkipped(result: { failed: number; skipped: number }): [number, number] {
  return [result.failed, result.skipped];
}
