// Whose priority is lowered: the engine's helpers alone, once found by their name.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

const SOURCE = new URL('thread-priority.ts', import.meta.url).href;

/** In a process of its own: the priority of a thread cannot be raised again. */
function priorities(): { before: number; main: number; helpers: number[] } {
  const script = `
    const { getPriority } = await import('node:os');
    const { lowerHelpers } = await import(${JSON.stringify(SOURCE)});
    const before = getPriority(process.pid);
    const helpers = lowerHelpers().map((id) => getPriority(id));
    console.log(JSON.stringify({ before, main: getPriority(process.pid), helpers }));
  `;
  const args = ['--input-type=module', '--eval', script];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
}

test('helpers give way to the thread that takes writes, which keeps its own', () => {
  const { before, main, helpers } = priorities();
  assert.equal(main, before);
  if (process.platform !== 'linux') assert.deepEqual(helpers, []);
  else {
    // None would mean that the engine calls them by another name.
    assert.ok(helpers.length > 0);
    for (const one of helpers) assert.equal(one, Math.min(before + 10, 19));
  }
});
