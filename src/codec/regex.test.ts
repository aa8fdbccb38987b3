// What patterns are refused, and how.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileRegex, RegexError } from './regex.ts';

test('a pattern is a whole one: errors show it as it is', () => {
  const problem = (pattern: string): string => {
    try {
      compileRegex(pattern);
    } catch (error) {
      assert.ok(error instanceof RegexError);
      return error.message;
    }
    return '';
  };
  assert.equal(problem('a('), 'error parsing regexp: missing closing ): `a(`');
  assert.equal(problem('a)|(b'), 'error parsing regexp: unexpected ): `a)|(b`');
  const stopped = 'error parsing regexp: trailing backslash at end of expression: ``';
  assert.equal(problem('a\\'), stopped);
  assert.equal(problem('a|(b)'), '');
});

test('a pattern matches all of a text, line breaks included', () => {
  const regex = compileRegex('a|b(c.d)?');
  const cases = { a: true, ab: false, 'bc\nd': true, bc: false, '': false };
  for (const [text, expected] of Object.entries(cases)) assert.equal(regex.test(text), expected);
});
