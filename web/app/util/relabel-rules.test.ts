import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withRules } from './relabel-rules.ts';

test('rules go behind those of a list, and stand alone otherwise', () => {
  assert.equal(withRules('', '- b\n'), '- b\n');
  assert.equal(withRules('[]\n', '- b\n'), '- b\n');
  assert.equal(withRules('# why\n\n- a\n\n', '- b\n'), '# why\n\n- a\n- b\n');
  assert.equal(withRules('relabel_configs:\n  - a\n', '- b\n'), '- b\n');
});
