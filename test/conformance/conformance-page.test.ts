// docs/conformance.md says what the suites and the lists of known failures say.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { conformancePage, PAGE_SKIP } from './conformance-page.ts';

test('docs/conformance.md is what the suites say', { skip: PAGE_SKIP }, () => {
  const page = readFileSync(new URL('../../docs/conformance.md', import.meta.url), 'utf8');
  assert.equal(page, conformancePage(), 'run: node tools/conformance-doc.ts');
});
