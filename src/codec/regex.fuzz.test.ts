// Anchored patterns: what is decided by literals at their ends agrees with the automaton.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { RE2JS } from 're2js';
import { compileRegex, RegexError } from './regex.ts';

/** Pieces of patterns, joined as they come: many are refused, the others are of every shape. */
const PIECES = String.raw`a b 0 - . .* .+ + * ? | ^ $ ( ) [ab] [^0] {2} \d \. \b (?i) (?: (?i:a) \Qa+\E é`;
const piece = fc.constantFrom(...PIECES.split(' '), '\n');
const text = fc.array(fc.constantFrom('a', 'A', 'b', '0', '-', '.', '+', 'é', '\n'), {
  maxLength: 5,
});

test('a pattern matches what the automaton matches', () => {
  let matches = 0;
  fc.assert(
    fc.property(
      fc.array(piece, { minLength: 1, maxLength: 5 }),
      fc.array(text, { minLength: 1, maxLength: 20 }),
      (pieces, texts) => {
        const pattern = pieces.join('');
        let regex;
        try {
          regex = compileRegex(pattern);
        } catch (error) {
          assert.ok(error instanceof RegexError);
          return;
        }
        const automaton = RE2JS.compile(`^(?s:${pattern})$`);
        for (const letters of texts) {
          const one = letters.join('');
          assert.equal(regex.test(one), automaton.matches(one), `${pattern} on ${one}`);
          if (!regex.test(one)) continue;
          matches++;
          assert.ok(one.startsWith(regex.prefix), `${pattern} begins with ${regex.prefix}`);
        }
      },
    ),
    { numRuns: 3000 },
  );
  assert.ok(matches > 500, `${matches} matches`);
});
