// Every test that docs/operations/security.md names is there, so that the page promises no more
// than what is tried.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '../..');

/** `FILE`: how the title of one of its tests begins. */
function namedTests(cell: string): readonly { readonly file: string; readonly title: string }[] {
  return cell
    .split('; ')
    .filter((one) => !one.includes('npm run'))
    .map((one) => {
      const { file = '', title = '' } = /^`(?<file>[^`]+)`: (?<title>.+)$/.exec(one)?.groups ?? {};
      assert.notEqual(title, '', `no test is named: ${one}`);
      return { file: file.includes('/') ? file : `test/apptest/${file}`, title };
    });
}

test('the page of attacks names tests that exist', async () => {
  const page = await readFile(join(ROOT, 'docs/operations/security.md'), 'utf8');
  const [, section = ''] = /^## What is tried$(.*?)^## /ms.exec(page) ?? [];
  const rows = section.split('\n').filter((line) => line.startsWith('| '));
  const attacks = rows.slice(2);
  assert.ok(attacks.length >= 13, `${attacks.length} attacks`);
  for (const row of attacks) {
    const cells = row.split(' | ').map((cell) => cell.replace(/\|$/, '').trim());
    for (const { file, title } of namedTests(cells[2] ?? '')) {
      const source = await readFile(join(ROOT, `${file}.test.ts`), 'utf8');
      // The quote in front: a title, not a part of one.
      const found = [`'${title}`, `\`${title}`].some((start) => source.includes(start));
      assert.ok(found, `${file} has no test whose title begins with: ${title}`);
    }
  }
});
