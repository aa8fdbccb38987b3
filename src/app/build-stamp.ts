// Is dist/ fresh? Each build target (WASM kernels, web console) has a stamp file holding the
// SHA-256 of everything its output depends on; a target whose stamp is missing or differs is stale.
// Shared by tools/build.ts, which builds what is stale, and by the server, which refuses to start
// on it. Costs a few milliseconds: it reads the inputs, never the outputs.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

// Importing node:crypto reads its getters, and one loads Web Crypto.
const { createHash } = process.getBuiltinModule('node:crypto');

export interface BuildTarget {
  readonly name: 'wasm' | 'web';
  /** Directory under dist/ that holds the output and nothing else. */
  readonly output: string;
  /** Stamp file under dist/. */
  readonly stamp: string;
  /** Files and directories, relative to the root; a missing one counts as empty. */
  readonly inputs: readonly string[];
}

/** What every target depends on beside its own sources: the tools and the way they are called. */
const COMMON_INPUTS = ['package-lock.json', 'tools/build.ts'];

export const BUILD_TARGETS: readonly BuildTarget[] = [
  { name: 'wasm', output: 'wasm', stamp: 'wasm.stamp', inputs: ['kernels'] },
  {
    name: 'web',
    output: 'web',
    stamp: 'web.stamp',
    inputs: ['web/index.html', 'web/vite.config.ts', 'web/package.json', 'web/app', 'web/public'],
  },
];

/** The root of the checkout this file belongs to. */
export const PROJECT_ROOT = join(import.meta.dirname, '../..');

/** Files under one input, relative to the root, tests left out: they never reach the output. */
function inputFiles(root: string, input: string): string[] {
  const path = join(root, input);
  if (!existsSync(path)) return [];
  if (!isDirectory(path)) return [input];
  const files: string[] = [];
  for (const entry of readdirSync(path, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || /\.test\.tsx?$/.test(entry.name)) continue;
    files.push(join(entry.parentPath, entry.name).slice(root.length + 1));
  }
  return files;
}

function isDirectory(path: string): boolean {
  try {
    readdirSync(path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOTDIR') return false;
    throw error;
  }
}

/** SHA-256, in hex, of the names and bytes of all inputs of `target`. */
export function inputDigest(root: string, target: BuildTarget): string {
  const hash = createHash('sha256');
  const files = [...COMMON_INPUTS, ...target.inputs].flatMap((input) => inputFiles(root, input));
  for (const file of files.toSorted()) {
    const bytes = readFileSync(join(root, file));
    hash.update(`${file}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest('hex');
}

export function isStale(root: string, target: BuildTarget): boolean {
  const stamp = join(root, 'dist', target.stamp);
  const output = join(root, 'dist', target.output);
  if (!existsSync(stamp) || !existsSync(output)) return true;
  return readFileSync(stamp, 'utf8').trim() !== inputDigest(root, target);
}

export function staleTargets(root: string): BuildTarget[] {
  return BUILD_TARGETS.filter((target) => isStale(root, target));
}

/** One sentence saying what is wrong with dist/ and what to do, or undefined when it is fresh. */
export function checkBuilt(root: string): string | undefined {
  const stale = staleTargets(root);
  if (stale.length === 0) return undefined;
  const missing = stale.filter((target) => !existsSync(join(root, 'dist', target.stamp)));
  const state = missing.length > 0 ? 'missing' : 'older than its sources';
  const names = stale.map((target) => `dist/${target.output}`).join(' and ');
  return `${names} ${stale.length > 1 ? 'are' : 'is'} ${state}: run \`npm run build\`, or start with \`npm start\`, which builds first.`;
}
