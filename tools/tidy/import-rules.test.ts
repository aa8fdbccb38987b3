// Every rule on imports: a case it must find and one it must let pass.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as rules from './import-rules.ts';
import { findImports } from './imports.ts';
import { ROOMS } from './layers.ts';

type Rule = typeof rules.checkLayers;

/** Messages of `rule` for a file; empty means it passes. */
function run(rule: Rule, path: string, text: string): string[] {
  const file = { path, text };
  return rule(file, findImports(file)).map(({ line, message }) => `${line} ${message}`);
}

function checkFound(rule: Rule, path: string, text: string, message: RegExp): void {
  const found = run(rule, path, text);
  assert.equal(found.length, 1, `${text}: ${found.join('; ')}`);
  assert.match(found[0] ?? '', message);
}

function checkPasses(rule: Rule, path: string, text: string): void {
  assert.deepEqual(run(rule, path, text), []);
}

const { checkLayers, checkPackages } = rules;

test('every form of import is seen', () => {
  const text = `import type { A } from './1.ts';
import { type B } from './2.ts';
import './3.ts';
export * from './4.ts';
export { c } from './5.ts';
const d = await import('./6.ts');
const e = new Worker(new URL('./7.ts', import.meta.url));
type F = import('./8.ts').F;
// import './no.ts'
const g = "import './no.ts'";
`;
  const edges = findImports({ path: 'src/x/a.ts', text });
  const seen = edges.map((edge) => `${edge.specifier}:${edge.line}`).toSorted();
  assert.deepEqual(
    seen,
    [1, 2, 3, 4, 5, 6, 7, 8].map((n) => `./${n}.ts:${n}`),
  );
});

test('JSX files are read too', () => {
  const text = `import { a } from './a.ts';\nexport const B = () => <p>It's {a}</p>;\nimport('./b.ts');`;
  const edges = findImports({ path: 'web/app/x.tsx', text });
  assert.deepEqual(
    edges.map((edge) => edge.specifier),
    ['./a.ts', './b.ts'],
  );
});

test('layers: down and sideways within a room pass', () => {
  checkPasses(checkLayers, 'src/tsdb/a.ts', `import { a } from '../model/storage.ts';`);
  checkPasses(checkLayers, 'src/tsdb/a.ts', `import { a } from './deep/b.ts';`);
  checkPasses(checkLayers, 'src/tsdb/deep/a.ts', `import { a } from '../b.ts';`);
  checkPasses(checkLayers, 'src/app/server/a.ts', `import a from '../../../package.json';`);
});

test('layers: up, across and out are found, in every form', () => {
  for (const form of [
    `import { a } from '../tsdb/a.ts';`,
    `import type { A } from '../tsdb/a.ts';`,
    `export * from '../tsdb/a.ts';`,
    `const a = await import('../tsdb/a.ts');`,
    `type A = import('../tsdb/a.ts').A;`,
    `new Worker(new URL('../tsdb/a.ts', import.meta.url));`,
  ])
    checkFound(checkLayers, 'src/promql/a.ts', form, /^1 tsdb .* same layer as promql/);
  checkFound(checkLayers, 'src/stdx/a.ts', `import '../model/b.ts';`, /model .* above stdx/);
  checkFound(checkLayers, 'src/tsdb/a.ts', `import '../../tools/b.ts';`, /outside src/);
  checkFound(checkLayers, 'src/tsdb/a.ts', 'await import(name);', /must be a literal/);
});

test('layers: tests keep the order but may use test/, products may not use tests', () => {
  checkPasses(checkLayers, 'src/tsdb/a.test.ts', `import '../../test/support/shared.ts';`);
  checkFound(checkLayers, 'src/promql/a.test.ts', `import '../tsdb/b.ts';`, /same layer/);
  checkFound(checkLayers, 'src/tsdb/a.ts', `import './b.test.ts';`, /test file/);
  checkFound(checkLayers, 'src/tsdb/a.ts', `import '../model/b.contract.ts';`, /test file/);
});

test('layers: the console knows the API only, other folders may use src/', () => {
  checkFound(checkLayers, 'web/app/a.ts', `import '../../src/model/b.ts';`, /HTTP API/);
  checkPasses(checkLayers, 'web/e2e/a.test.ts', `import '../../src/model/b.ts';`);
  checkPasses(checkLayers, 'bench/a.ts', `import '../src/model/b.ts';`);
});

test('packages: each room has its own list', () => {
  checkPasses(checkPackages, 'src/codec/a.ts', `import { RE2JS } from 're2js';`);
  checkPasses(checkPackages, 'src/catalog/a.ts', `import { DatabaseSync } from 'node:sqlite';`);
  checkPasses(checkPackages, 'src/app/a.ts', `import { readFileSync } from 'node:fs';`);
  checkPasses(checkPackages, 'src/promql/a.ts', `import { isUtf8 } from 'node:buffer';`);
  checkFound(checkPackages, 'src/model/a.ts', `import { RE2JS } from 're2js';`, /package re2js/);
  checkFound(checkPackages, 'src/app/a.ts', `import '@a/b/c';`, /package @a\/b$/);
  checkFound(checkPackages, 'src/tsdb/a.ts', `import 'node:sqlite';`, /may not use node:sqlite/);
  checkFound(checkPackages, 'src/agent/a.ts', `import 'node:fs';`, /may not use node:fs/);
  checkFound(checkPackages, 'tools/a.ts', `import 'fs';`, /write node:fs/);
});

test('packages: hashes yes, random numbers no', () => {
  checkPasses(checkPackages, 'src/tenancy/a.ts', `import { createHash } from 'node:crypto';`);
  const text = `import { createHash, randomBytes } from 'node:crypto';`;
  checkFound(checkPackages, 'src/tenancy/a.ts', text, /prng/);
});

test('packages: tests may use built-ins and test packages', () => {
  checkPasses(checkPackages, 'src/model/a.test.ts', `import 'node:fs'; import 'fast-check';`);
  checkFound(checkPackages, 'src/model/a.test.ts', `import 'vite';`, /package vite/);
});

test('rooms: the list is closed', () => {
  assert.deepEqual(rules.checkRoom('src/promql/a.ts'), []);
  assert.deepEqual(rules.checkRoom('tools/a.ts'), []);
  assert.match(rules.checkRoom('src/utils/a.ts')[0]?.message ?? '', /not in the layer table/);
  assert.match(rules.checkRoom('src/a.ts')[0]?.message ?? '', /directly under/);
  assert.equal(new Set(ROOMS.map((room) => room.name)).size, ROOMS.length);
});

test('specifiers: a .js that means a .ts is found', () => {
  const exists = (path: string): boolean => ['src/a/b.ts', 'src/a/c.js'].includes(path);
  const file = { path: 'src/a/a.ts', text: `import './b.js'; import './c.js'; import './b.ts';` };
  const findings = rules.checkSpecifiers(file, findImports(file), exists);
  assert.deepEqual(
    findings.map((finding) => finding.message.split(' ')[0]),
    ['./b.js'],
  );
});

function cyclesOf(files: Record<string, string>): string[] {
  const graph = new Map(
    Object.entries(files).map(([path, text]) => [path, findImports({ path, text })]),
  );
  return rules.checkCycles(graph).map((finding) => finding.message);
}

test('cycles: found over several files and through types', () => {
  const found = cyclesOf({
    'src/a/1.ts': `import './2.ts';`,
    'src/a/2.ts': `import type { X } from './3.ts';`,
    'src/a/3.ts': `import './1.ts'; import './4.ts';`,
    'src/a/4.ts': '',
  });
  assert.deepEqual(found, ['these files import each other: src/a/1.ts, src/a/2.ts, src/a/3.ts']);
});

test('cycles: a tree, and a worker that imports its starter, pass', () => {
  assert.deepEqual(
    cyclesOf({
      'src/a/1.ts': `import './2.ts'; new URL('./3.ts', import.meta.url);`,
      'src/a/2.ts': '',
      'src/a/3.ts': `import './1.ts'; import './2.ts';`,
    }),
    [],
  );
});
