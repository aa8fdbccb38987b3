/** What the first paint weighs: page, styles and the script it names, gzipped. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const WEB_ROOT = fileURLToPath(new URL('../../dist/web/', import.meta.url));
const FIRST_PAINT_BYTES_MAX = 120 * 1024;

test('the first paint needs at most 120 KB', () => {
  const html = readFileSync(`${WEB_ROOT}index.html`, 'utf8');
  const names = [...html.matchAll(/(?:src|href)="\.\/([^"]+\.(?:js|css|svg))"/g)].map((m) => m[1]);
  assert.ok(names.length >= 3, 'script, styles and icon are named');
  const sizes = names.map((name) => gzipSync(readFileSync(`${WEB_ROOT}${name}`)).length);
  const total = sizes.reduce((sum, size) => sum + size, gzipSync(html).length);
  assert.ok(total <= FIRST_PAINT_BYTES_MAX, `${total} bytes`);
  assert.doesNotMatch(html, /<script>|<style|https?:/, 'nothing inline, nothing from elsewhere');
});
