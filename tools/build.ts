// Builds what is stale in dist/: AssemblyScript kernels to dist/wasm/*.wasm, the web console to
// dist/web/. A target is built into a directory of its own and renamed into place, under a lock
// that the operating system drops when the builder dies, so two builds at once never mix their
// outputs.
// Usage: node tools/build.ts [--force]
import {
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { inspect } from 'node:util';
import type { BuildTarget } from '../src/app/build-stamp.ts';
import { BUILD_TARGETS, PROJECT_ROOT, inputDigest, isStale } from '../src/app/build-stamp.ts';

/** How long one build waits for another that holds the lock. */
const LOCK_TIMEOUT_MS = 120_000;

/**
 * No garbage collector, no assertions, SIMD. The memory comes from the loader, which chooses its
 * real size: these pages of 64 KiB are only the least and the most that WebAssembly allows it.
 */
const KERNEL_OPTIONS = [
  '--runtime=stub',
  '-O3',
  '--noAssert',
  '--enable=simd',
  '--importMemory',
  '--initialMemory=1',
  '--maximumMemory=65536',
];

const BUILDERS: Record<BuildTarget['name'], (root: string, outDir: string) => Promise<string>> = {
  wasm: buildKernels,
  web: buildWeb,
};

/** Builds the stale targets of `root` (all with `force`); `print` gets one line per event. */
export async function buildStale(
  root: string,
  options: { force: boolean; print: (line: string) => void },
): Promise<void> {
  const dist = join(root, 'dist');
  if (!options.force && BUILD_TARGETS.every((target) => !isStale(root, target))) return;
  mkdirSync(dist, { recursive: true });
  using lock = new DatabaseSync(join(dist, '.build.lock'), { timeout: LOCK_TIMEOUT_MS });
  lock.exec('BEGIN EXCLUSIVE');
  for (const target of BUILD_TARGETS) {
    // Asked again under the lock: another build may just have done the work.
    if (!options.force && !isStale(root, target)) continue;
    const startMs = performance.now();
    options.print(`build: ${target.name} …`);
    const done = await buildTarget(root, dist, target);
    const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
    options.print(`build: ${target.name} done, ${done}, ${seconds} s`);
  }
}

/** Only called under the lock. The stamp goes first and comes last: a crash leaves it stale. */
async function buildTarget(root: string, dist: string, target: BuildTarget): Promise<string> {
  // Taken before the build: a source edited while it runs leaves the target stale.
  const digest = inputDigest(root, target);
  const fresh = join(dist, `.${target.name}.new`);
  const stamp = join(dist, target.stamp);
  const output = join(dist, target.output);
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh);
  const done = await BUILDERS[target.name](root, fresh);
  rmSync(stamp, { force: true });
  rmSync(output, { recursive: true, force: true });
  renameSync(fresh, output);
  writeFileSync(`${stamp}.new`, `${digest}\n`);
  renameSync(`${stamp}.new`, stamp);
  return done;
}

async function buildKernels(root: string, outDir: string): Promise<string> {
  const kernels = globSync('kernels/*.ts', { cwd: root }).toSorted();
  if (kernels.length === 0) return 'no kernels';
  const { main: compile } = await import('assemblyscript/asc');
  for (const kernel of kernels) {
    const output = ['--baseDir', root, '-o', join(outDir, `${basename(kernel, '.ts')}.wasm`)];
    const own = ownOptions(readFileSync(join(root, kernel), 'utf8'));
    const errors: string[] = [];
    const stderr = { write: (text: string) => void errors.push(text) };
    const { error } = await compile([kernel, ...output, ...KERNEL_OPTIONS, ...own], { stderr });
    if (error) throw new Error(`${kernel}: ${errors.join('')}`, { cause: error });
  }
  return `${kernels.length} kernel${kernels.length === 1 ? '' : 's'}`;
}

/** A kernel asks for more by a line such as `// asc: --enable threads --sharedMemory`. */
function ownOptions(source: string): string[] {
  const line = /^\/\/ asc: (.*)$/m.exec(source);
  return line?.[1]?.trim().split(/\s+/) ?? [];
}

async function buildWeb(root: string, outDir: string): Promise<string> {
  if (!existsSync(join(root, 'web/index.html'))) return 'no console';
  const { build } = await import('vite');
  await build({
    root: join(root, 'web'),
    configFile: join(root, 'web/vite.config.ts'),
    logLevel: 'warn',
    build: { outDir, emptyOutDir: true },
  });
  return `${globSync('**/*.*', { cwd: outDir }).length} files`;
}

if (import.meta.main) {
  try {
    await buildStale(PROJECT_ROOT, {
      force: process.argv.includes('--force'),
      // Standard error: standard output belongs to whatever is started next.
      print: (line) => process.stderr.write(`${line}\n`),
    });
  } catch (error) {
    process.stderr.write(`build: failed: ${inspect(error)}\n`);
    process.exitCode = 1;
  }
}
