// The style guide holds: no finding in this repository, and the checks are really wired together.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkFiles, checkRepository } from './check.ts';

test('the repository has no finding', () => {
  const findings = checkRepository(join(import.meta.dirname, '../..'));
  const lines = findings.map(
    (found) => `${found.file}:${found.line} ${found.rule} ${found.message}`,
  );
  assert.equal(lines.join('\n'), '');
});

test('every rule is run', () => {
  const findings = checkFiles([
    { path: 'src/promql/index.ts', text: "import '../tsdb/a.ts';\nimport 'fs';\nMath.random();" },
    { path: 'src/tsdb/a.ts', text: "import './b.js';\nexport default 1;\n".padEnd(300) },
    { path: 'src/tsdb/b.ts', text: "import './a.ts';\n".repeat(700) },
    { path: 'src/tsdb/c.ts', text: "import './d.ts';" },
    { path: 'src/tsdb/d.ts', text: "import './c.ts';" },
    { path: 'src/utils/e.test.ts', text: "test.only('a');" },
    { path: 'src/tsdb/f.ts', text: 'import {' },
    { path: 'package.json', text: '{"dependencies":{"a":"^1.0.0"}}' },
    { path: 'package-lock.json', text: '"resolved": "https://x"' },
    { path: 'docs/decisions/0001-a.md', text: '' },
    { path: 'a.md', text: `[a](b.md) ${['TO', 'DO'].join('')}` },
  ]);
  assert.deepEqual([...new Set(findings.map((finding) => finding.rule))].toSorted(), [
    'ban',
    'cycle',
    'decision',
    'dependencies',
    'dialect',
    'header',
    'imports',
    'layers',
    'length',
    'link',
    'lockfile',
    'name',
    'packages',
    'pin',
    'room',
    'skip',
    'specifier',
    'width',
    'word',
  ]);
});
