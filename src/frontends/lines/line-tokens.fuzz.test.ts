// Lines with and without tokens, in any order: each comes out under its own token, without it, and
// nothing is lost or moved.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { lineEnd } from '../../formats/influx/line-ends.ts';
import { plainLineEnd, tokenRuns } from './line-tokens.ts';
import type { TokenRules } from './line-tokens.ts';

const TOKENS = ['a', 'b', 'c'].map((c) => `orr_${c.repeat(12)}_${c.repeat(52)}`);
const PLAIN: TokenRules = { lineEnd: plainLineEnd, lead: '', takesAny: false };

interface Line {
  readonly token: string | undefined;
  readonly text: string;
}

function runsOf(body: string, rules: TokenRules): readonly (readonly [string, string])[] {
  const bytes = Buffer.from(`${body}behind`);
  const end = bytes.length - 'behind'.length;
  return tokenRuns(bytes, end, rules).map((run) => [
    run.token ?? '-',
    Buffer.from(run.body.subarray(0, run.end)).toString(),
  ]);
}

/** Neighbours with one token are one run. */
function joined(lines: readonly Line[]): readonly (readonly [string, string])[] {
  const runs: [string, string][] = [];
  for (const { token = '-', text } of lines) {
    const last = runs.at(-1);
    if (last?.[0] === token) last[1] += text;
    else runs.push([token, text]);
  }
  return runs;
}

const token = fc.option(fc.constantFrom(...TOKENS), { nil: undefined });

function check(rules: TokenRules, text: fc.Arbitrary<string>, lead = ''): void {
  const line = fc.record({ token, text });
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 20 }), (lines) => {
      const body = lines
        .map((one) => lead + (one.token ? `${one.token}.` : '') + one.text)
        .join('');
      const expected = joined(lines.map((one) => ({ ...one, text: lead + one.text })));
      assert.deepEqual(runsOf(body, rules), expected);
    }),
  );
}

test('plain lines', () => {
  check(PLAIN, fc.constantFrom('a.b 1 2\n', '\n', 'orr_a.b 1\n', 'x orr_y 1\r\n', '.µ 1\n'));
});

test('puts of telnet', () => {
  const rules = { ...PLAIN, lead: 'put ' };
  check(rules, fc.constantFrom('a.b 1 2\n', 'orr_m 1 2 a=b\n'), 'put ');
  const [a] = TOKENS;
  assert.deepEqual(runsOf(`PUT   ${a}.m 1 2\n`, rules), [[a, 'PUT   m 1 2\n']]);
});

test('line protocol, whose strings may hold what looks like a line', () => {
  const rules = { ...PLAIN, lineEnd };
  const hidden = `m s="x\n${TOKENS[0]}.m f=1" 1\n`;
  check(rules, fc.constantFrom('m,a=b f=1 1\n', hidden, '# c\n', ' m f="a b"\n'));
});

test('any text in front of @. is a token where the protocol says so', () => {
  const rules = { ...PLAIN, takesAny: true };
  const [a] = TOKENS;
  assert.deepEqual(runsOf(`s3@.a.b 1\nc.d 2\n${a}@.e 3\n@.f 4\n`, rules), [
    ['s3', 'a.b 1\n'],
    ['-', 'c.d 2\n'],
    [a, 'e 3\n'],
    ['-', '@.f 4\n'],
  ]);
  assert.deepEqual(runsOf(`s3@.a.b 1\n`, PLAIN), [['-', 's3@.a.b 1\n']]);
});

test('a token with a wrong end is a token, and no part of a name', () => {
  const [a] = TOKENS;
  assert.deepEqual(runsOf(`${a!.slice(0, -4)}.m 1\n`, PLAIN), [[a!.slice(0, -4), 'm 1\n']]);
  assert.deepEqual(runsOf(`${a}x.m 1\n`, PLAIN), [[`${a}x`, 'm 1\n']]);
  // Without a dot behind it there is no name: the line is nobody's but its sender's.
  assert.deepEqual(runsOf(`${a} 1\n`, PLAIN), [['-', `${a} 1\n`]]);
});
