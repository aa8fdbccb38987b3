// Every flat promqltest case against the engine in this process. Known failures stand in
// known-failing-promqltest.txt, one `file:line query` a line; the list may only shrink: a listed
// case that passes and an unlisted one that fails both fail this test. UPDATE=1 writes the list
// anew.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { errorMessage } from '../../src/stdx/assert.ts';
import { caseName, readCases, readDatasets, runCase, SUITE } from './promqltest-cases.ts';
import { engineAsk } from './promqltest-engine.ts';

const LIST = new URL('known-failing-promqltest.txt', import.meta.url);

function readKnown(): Set<string> {
  const text = existsSync(LIST) ? readFileSync(LIST, 'utf8') : '';
  return new Set(text.split('\n').filter((line) => line !== '' && !line.startsWith('#')));
}

test('promqltest cases', { skip: SUITE.skip }, async () => {
  const cases = readCases();
  const ask = engineAsk(readDatasets());
  const failures = new Map<string, string>();
  let plainCount = 0;
  let plainPassed = 0;
  for (const one of cases) {
    const failure = await runCase(one, ask).catch((error: unknown) => errorMessage(error));
    if (failure !== undefined) failures.set(caseName(one), failure);
    if (one.dataset_specials.length > 0) continue;
    plainCount++;
    if (failure === undefined) plainPassed++;
  }
  if (process.env['UPDATE'] === '1') {
    const lines = [
      '# Cases of the promqltest suite that fail; may only shrink.',
      ...failures.keys(),
    ];
    writeFileSync(LIST, `${lines.join('\n')}\n`);
    if (process.env['VERBOSE'] === '1')
      for (const [name, reason] of failures) process.stderr.write(`${name}\n    ${reason}\n`);
  }
  const known = readKnown();
  const fresh = Array.from(failures).filter(([name]) => !known.has(name));
  const fixed = Array.from(known).filter((name) => !failures.has(name));
  assert.deepEqual(fresh, [], 'cases that fail and are not listed');
  assert.deepEqual(fixed, [], 'listed cases that pass: remove them from the list');
  assert.ok(
    plainPassed / plainCount >= 0.6,
    `${plainPassed} of ${plainCount} cases over plain floats pass`,
  );
});
