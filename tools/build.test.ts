// The build on scratch checkouts: staleness, stamps, and two builds at once.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { BUILD_TARGETS, checkBuilt, staleTargets } from '../src/app/build-stamp.ts';
import { buildStale } from './build.ts';

interface Scratch extends Disposable {
  readonly root: string;
  readonly lines: string[];
  build(force?: boolean): Promise<void>;
}

/** A checkout with a lockfile and no sources. */
function scratch(): Scratch {
  const root = mkdtempSync(join(tmpdir(), 'orrery-build-'));
  mkdirSync(join(root, 'tools'));
  mkdirSync(join(root, 'kernels'));
  mkdirSync(join(root, 'web/app'), { recursive: true });
  writeFileSync(join(root, 'package-lock.json'), '{}');
  writeFileSync(join(root, 'tools/build.ts'), '');
  const lines: string[] = [];
  return {
    root,
    lines,
    build: (force = false) => buildStale(root, { force, print: (line) => lines.push(line) }),
    [Symbol.dispose]: () => rmSync(root, { recursive: true }),
  };
}

function staleNames(root: string): string[] {
  return staleTargets(root).map((target) => target.name);
}

test('everything is stale until built, then nothing is', async () => {
  using checkout = scratch();
  assert.deepEqual(staleNames(checkout.root), ['wasm', 'web']);
  assert.match(checkBuilt(checkout.root) ?? '', /dist\/wasm and dist\/web are missing: run/);
  await checkout.build();
  assert.deepEqual(staleNames(checkout.root), []);
  assert.equal(checkBuilt(checkout.root), undefined);
});

test('an edit makes its own target stale, a test file none, the lockfile all', async () => {
  using checkout = scratch();
  await checkout.build();
  writeFileSync(join(checkout.root, 'web/app/a.test.ts'), '1');
  assert.deepEqual(staleNames(checkout.root), []);
  writeFileSync(join(checkout.root, 'web/app/a.ts'), '1');
  assert.deepEqual(staleNames(checkout.root), ['web']);
  assert.match(checkBuilt(checkout.root) ?? '', /^dist\/web is older than its sources: run/);
  writeFileSync(join(checkout.root, 'package-lock.json'), '{"a":1}');
  assert.deepEqual(staleNames(checkout.root), ['wasm', 'web']);
});

test('a lost output is stale although its stamp is right', async () => {
  using checkout = scratch();
  await checkout.build();
  rmSync(join(checkout.root, 'dist/web'), { recursive: true });
  assert.deepEqual(staleNames(checkout.root), ['web']);
});

test('a fresh dist is left alone, force rebuilds it', async () => {
  using checkout = scratch();
  await checkout.build();
  const count = checkout.lines.length;
  await checkout.build();
  assert.equal(checkout.lines.length, count);
  await checkout.build(true);
  assert.equal(checkout.lines.length, 2 * count);
});

test('a kernel that does not compile names its file and leaves no stamp', async () => {
  using checkout = scratch();
  await checkout.build();
  writeFileSync(join(checkout.root, 'kernels/bad.ts'), 'export function x( {');
  await assert.rejects(checkout.build(), /kernels\/bad\.ts.*TS1003/s);
  assert.deepEqual(staleNames(checkout.root), ['wasm']);
  assert.deepEqual(readdirSync(join(checkout.root, 'dist/wasm')), []);
});

test('a kernel compiles with the options it asks for', async () => {
  using checkout = scratch();
  const source =
    '// asc: --enable threads --sharedMemory\nexport function one(): i32 { return 1; }\n';
  writeFileSync(join(checkout.root, 'kernels/one.ts'), source);
  await checkout.build();
  assert.deepEqual(readdirSync(join(checkout.root, 'dist/wasm')), ['one.wasm']);
});

test('target names, outputs and stamps are distinct', () => {
  for (const key of ['name', 'output', 'stamp'] as const)
    assert.equal(new Set(BUILD_TARGETS.map((target) => target[key])).size, BUILD_TARGETS.length);
});
