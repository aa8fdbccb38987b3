// Wide comments are broken between words; everything else stays.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rewrapComments } from './rewrap.ts';

const WIDE = `${'word '.repeat(20)}end`;

function check(text: string, expected: string): void {
  assert.equal(rewrapComments(text), expected);
  assert.equal(rewrapComments(expected), expected);
}

test('words move to the next line of the paragraph', () => {
  const line = 'word '.repeat(19).trimEnd();
  check(`// ${WIDE}\n// more.\ncode();`, `// ${line}\n// word end more.\ncode();`);
});

test('or to a new line, before code, a list, or another indentation', () => {
  const line = 'word '.repeat(19).trimEnd();
  for (const next of ['code();', '// - item', '  // inner', '//   drawing', ''])
    check(`// ${WIDE}\n${next}`, `// ${line}\n// word end\n${next}`);
});

test('a block of one line becomes three or more', () => {
  const line = 'word '.repeat(19).trimEnd();
  check(`  /** ${WIDE} */\nx`, `  /**\n   * ${line}\n   * word end\n   */\nx`);
});

test('code, addresses and words without a break stay', () => {
  for (const text of [`f('${WIDE}');`, `// https://${'a/'.repeat(60)} b`, `// ${'x'.repeat(120)}`])
    check(text, text);
});
