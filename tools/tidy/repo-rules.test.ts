// Every rule on the repository: a case it must find and one it must let pass.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Finding, SourceFile } from './finding.ts';
import * as rules from './repo-rules.ts';

function file(path: string, text: string): SourceFile {
  return { path, text };
}

/** `file:line` of each finding. */
function places(findings: readonly Finding[]): string[] {
  return findings.map((finding) => `${finding.file}:${finding.line}`);
}

test('name: index files are found', () => {
  const paths = ['src/a/index.ts', 'web/app/index.tsx', 'web/index.html', 'src/a/index-page.ts'];
  assert.deepEqual(places(rules.checkNames(paths)), ['src/a/index.ts:1', 'web/app/index.tsx:1']);
});

test('length: a long file needs a reason, a reason needs a long file', () => {
  const long = file('src/a/long.ts', 'x\n'.repeat(601));
  const short = file('src/a/short.ts', 'x\n'.repeat(600));
  const list = (text: string): SourceFile => file('list.txt', text);
  assert.deepEqual(places(rules.checkLengths([long, short], list('# why\n'))), [
    'src/a/long.ts:601',
  ]);
  assert.deepEqual(rules.checkLengths([long], list('# why\nsrc/a/long.ts: one table\n')), []);
  const bad = 'src/a/short.ts: once long\nsrc/a/gone.ts: once here\nsrc/a/long.ts\n';
  assert.deepEqual(places(rules.checkLengths([short], list(bad))), [
    'list.txt:3',
    'list.txt:1',
    'list.txt:2',
  ]);
});

test('pin: ranges, tags and addresses are found, in every group', () => {
  const manifest = (version: string): SourceFile =>
    file('package.json', `{\n"devDependencies": {\n"a": "${version}" } }`);
  for (const version of ['^1.2.3', '~1.2.3', '1.x', 'latest', '*', '1.2', 'https://x/y.tgz'])
    assert.deepEqual(places(rules.checkPins(manifest(version))), ['package.json:3'], version);
  for (const version of ['1.2.3', '1.2.3-beta.1'])
    assert.deepEqual(rules.checkPins(manifest(version)), []);
});

test('lockfile: addresses are found, workspace links pass', () => {
  const lock = file('package-lock.json', '{\n"resolved": "https://example.org/a.tgz"\n}');
  assert.deepEqual(places(rules.checkLockfile(lock)), ['package-lock.json:2']);
  assert.deepEqual(rules.checkLockfile(file('package-lock.json', '"resolved": "web"')), []);
});

test('dependencies: rows and manifests agree both ways', () => {
  const manifest = file('package.json', '{"dependencies":{"a":"1.0.0","@b/c":"2.0.0"}}');
  const page = (rows: string): SourceFile => file('deps.md', `| package | version |\n${rows}`);
  const good = '| `a` | 1.0.0 | why |\n| `@b/c` | 2.0.0 | why |\n';
  assert.deepEqual(rules.checkDependencyPage([manifest], page(good)), []);
  const bad = '| `a` | 1.0.1 | why |\n| `d` | 1.0.0 | why |\n';
  assert.deepEqual(
    rules.checkDependencyPage([manifest], page(bad)).map((finding) => finding.message),
    ['a is 1.0.0, not 1.0.1', 'no row for @b/c 2.0.0', 'd is no dependency'],
  );
});

test('decision: a page the list does not name is found', () => {
  const list = file('docs/decisions/README.md', '[0001](0001-a.md) [template](template.md)');
  const paths = ['0001-a.md', '0002-b.md', 'template.md', 'README.md'];
  const pages = paths.map((path) => `docs/decisions/${path}`);
  assert.deepEqual(places(rules.checkDecisionList(pages, list)), ['docs/decisions/0002-b.md:1']);
});

test('word: unfinished work, paths of one machine and registries are found', () => {
  // Put together, or this file would be a finding.
  for (const parts of [
    ['// TO', 'DO: later'],
    ['FIX', 'ME'],
    ['see XX', 'X here'],
    ['cd /ho', 'me/me/orrery'],
    ['"/wo', 'rk/main"'],
    ['/ro', 'ot/.npmrc'],
    ['https://registry.', 'npmjs.org/a'],
    ['//x/:_auth', 'Token=1'],
    ['| <<<<', '<<< HEAD |'],
    ['>>>>', '>>> a1b2c3'],
    ['> > > > ', '> > > a1b2c3'],
  ])
    assert.deepEqual(places(rules.checkWords(file('a.md', `\n${parts.join('')}`))), ['a.md:2']);
});

test('word: parts of other words, routes and test data pass', () => {
  const text = 'todos, the registry.counter of metrics, a/work/b, $ROOT/home/x, XXXL, /homepage';
  assert.deepEqual(rules.checkWords(file('a.md', text)), []);
  const unfinished = ['TO', 'DO'].join('');
  assert.deepEqual(rules.checkWords(file('src/promql/testdata/a.test', unfinished)), []);
});

test('link: pages and headings must exist', () => {
  const texts = new Map([
    ['docs/a.md', '# One Thing: `x`\n'],
    ['docs/deep/b.md', ''],
  ]);
  const exists = (path: string): boolean => texts.has(path) || path === 'docs';
  const repository = { exists, read: (path: string) => texts.get(path) };
  const check = (text: string): string[] =>
    places(rules.checkLinks(file('docs/deep/c.md', text), repository));
  for (const link of ['b.md', '../a.md', '../a.md#one-thing-x', '../../docs/', 'https://x.org/y'])
    assert.deepEqual(check(`[text](${link})`), [], link);
  for (const link of ['c2.md', '../../a.md', '../a.md#two', '#none'])
    assert.deepEqual(check(`text\n[text](${link})`), ['docs/deep/c.md:2'], link);
  assert.deepEqual(check('`[a](none.md)`\n```\n[a](none.md)\n```\n'), []);
  assert.deepEqual(check('![picture](none.png)'), ['docs/deep/c.md:1']);
});
