// Every rule on a script's text: a case it must find and one it must let pass.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Finding, SourceFile } from './finding.ts';
import * as rules from './source-rules.ts';

type Rule = (file: SourceFile) => Finding[];

function lines(rule: Rule, path: string, text: string): number[] {
  return rule({ path, text }).map((finding) => finding.line);
}

function checkFound(rule: Rule, path: string, text: string): void {
  assert.deepEqual(lines(rule, path, `\n${text}`), [2], text);
}

function checkPasses(rule: Rule, path: string, text: string): void {
  assert.deepEqual(lines(rule, path, text), [], text);
}

const BANNED = [
  'const t = Date.now();',
  'const t = new Date();',
  'const t = new Date;',
  'const t = Date();',
  'performance.now()',
  'const [s] = process.hrtime();',
  'Temporal.Now.instant()',
  'Math.random()',
  'const f = Math\n.random',
  'crypto.randomUUID()',
  'crypto.getRandomValues(a)',
  'setTimeout(f, 1)',
  'globalThis.setTimeout(f, 1)',
  'const later = setInterval;',
  'await new Promise((r) => setImmediate(r))',
  'AbortSignal.timeout(5)',
  "process.env['A']",
  "process['env']",
  'const { env } = process;',
  'process.argv.slice(2)',
  'const x = `${Date.now()}`;',
];

test('bans: each is found outside app/', () => {
  for (const text of BANNED) checkFound(rules.checkBans, 'src/tsdb/a.ts', text);
});

test('bans: app, tests, tools, bench and web are free', () => {
  for (const path of ['src/app/server/a.ts', 'src/tsdb/a.test.ts', 'tools/a.ts', 'web/app/a.ts'])
    for (const text of BANNED) checkPasses(rules.checkBans, path, text);
});

test('bans: words, members of other things and given clocks pass', () => {
  for (const text of [
    '// not Date.now() but the clock',
    "const text = 'Math.random()';",
    'const re = /setTimeout(/;',
    'new Date(tMs)',
    'const d: Date = given;',
    'clock.now()',
    'socket.setTimeout(5)',
    'this.#setTimeout(5)',
    'formatDate(x)',
    'process.memoryUsage()',
    'myprocess.env',
    'crypto.createHash(a)',
  ])
    checkPasses(rules.checkBans, 'src/tsdb/a.ts', text);
});

test('dialect: decorators and default exports are found', () => {
  checkFound(rules.checkDialect, 'tools/a.ts', '@sealed class A {}');
  checkFound(rules.checkDialect, 'src/tsdb/a.ts', 'export default function f() {}');
  checkFound(rules.checkDialect, 'src/tsdb/a.ts', 'export { f as default };');
});

test('dialect: the same words in text, and defaults of configurations, pass', () => {
  checkPasses(rules.checkDialect, 'src/tsdb/a.ts', "const a = 'x @ y'; // @param export default");
  checkPasses(rules.checkDialect, 'web/vite.config.ts', 'export default {};');
  checkPasses(rules.checkDialect, 'src/tsdb/a.ts', 'switch (a) { default: break; }');
});

test('skip: only, skip and todo are found in tests', () => {
  for (const text of [
    "test.only('a', f);",
    "it.skip('a', f);",
    "test.todo('a');",
    't.skip();',
    "test('a', { skip: true }, f);",
    "test('a', { skip: 'slow' }, f);",
    "test('a', { only: true }, f);",
  ])
    checkFound(rules.checkTests, 'src/tsdb/a.test.ts', text);
});

test('skip: the helper, and methods of the same name, pass', () => {
  checkPasses(rules.checkTests, 'src/tsdb/a.test.ts', "test('a', { skip: suite.skip }, f);");
  checkPasses(rules.checkTests, 'src/tsdb/a.test.ts', 'cursor.skip(4);');
  checkPasses(rules.checkTests, 'src/tsdb/a.ts', "const o = { skip: 'x' };");
});

test('header: a file under src/ opens with a comment', () => {
  assert.deepEqual(lines(rules.checkHeader, 'src/tsdb/a.ts', 'const a = 1;'), [1]);
  checkPasses(rules.checkHeader, 'src/tsdb/a.ts', '// What it is.\nconst a = 1;');
  checkPasses(rules.checkHeader, 'src/tsdb/a.ts', '/* What it is. */');
  checkPasses(rules.checkHeader, 'bench/a.ts', 'const a = 1;');
});

test('width: long sentences and code are found', () => {
  checkFound(rules.checkWidth, 'src/tsdb/a.ts', `// ${'word '.repeat(20)}`);
  checkFound(rules.checkWidth, 'src/tsdb/a.ts', `f(${'a, '.repeat(40)})`);
});

test('width: literals, addresses and short lines pass', () => {
  checkPasses(rules.checkWidth, 'src/tsdb/a.ts', `f('${'word '.repeat(20)}')`);
  checkPasses(rules.checkWidth, 'src/tsdb/a.ts', `// see https://${'a/'.repeat(60)}`);
  checkPasses(rules.checkWidth, 'src/tsdb/a.ts', `// ${'x'.repeat(97)}`);
});
