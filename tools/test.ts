// The one test command: builds what is stale, then runs the tiers of test/tiers.ts and ends with
// one line `N passed, N failed, N skipped`. Each tier prints one line; a failed one its output in
// full.
// Usage: node tools/test.ts [--tier NAME[,NAME]]… [--file TEXT]   (TEST_STRICT=1 allows no skip)
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromiumPath } from '../test/support/chromium.ts';
import { killAll, runChild, scrubbedEnv } from './test/child.ts';
import type { TierResult } from './test/result.ts';
import { checkResult, notRun, suiteResult } from './test/result.ts';
import type { SuiteTier, Tier } from './test/tiers.ts';
import { TIERS, selectTiers } from './test/tiers.ts';

const ROOT = join(import.meta.dirname, '..');
/** Tiers of one stage that run at a time: the cores a test machine has. */
const TIERS_AT_ONCE = 2;
const BUILD_DEADLINE_SEC = 180;

interface Run {
  readonly tiers: readonly Tier[];
  readonly env: Record<string, string>;
  readonly isStrict: boolean;
  /** Only test files whose path contains this; empty means all. */
  readonly fileFilter: string;
  readonly scratch: string;
}

interface Totals {
  passed: number;
  failed: number;
  skipped: number;
}

async function runTests(run: Run): Promise<Totals> {
  const totals: Totals = { passed: 0, failed: 0, skipped: 0 };
  if (run.tiers.some((tier) => tier.kind === 'suite') && !(await build(run))) {
    totals.failed++;
    return totals;
  }
  for (const stage of new Set(TIERS.map((tier) => tier.stage))) {
    const waiting = run.tiers.filter((tier) => tier.stage === stage);
    const lane = async (): Promise<void> => {
      for (let tier = waiting.shift(); tier !== undefined; tier = waiting.shift()) {
        const startMs = performance.now();
        const result = await runTier(run, tier);
        report(tier, result, (performance.now() - startMs) / 1000);
        totals.passed += result.passed;
        totals.failed += result.failed;
        totals.skipped += result.skipped;
      }
    };
    await Promise.all(Array.from({ length: TIERS_AT_ONCE }, lane));
  }
  return totals;
}

async function build(run: Run): Promise<boolean> {
  const ending = await runChild([process.execPath, 'tools/build.ts'], {
    root: ROOT,
    env: run.env,
    deadlineSec: BUILD_DEADLINE_SEC,
  });
  const result = checkResult(ending, BUILD_DEADLINE_SEC);
  print(result.output.trimEnd());
  if (result.failed > 0) print(`build FAILED: ${result.notes.join('; ')}`);
  return result.failed === 0;
}

async function runTier(run: Run, tier: Tier): Promise<TierResult> {
  const { deadlineSec } = tier;
  if (tier.kind === 'check') {
    const ending = await runChild(tier.command, { root: ROOT, env: run.env, deadlineSec });
    return checkResult(ending, deadlineSec);
  }
  const files = suiteFiles(tier).filter((file) => file.includes(run.fileFilter));
  if (files.length === 0) {
    if (run.fileFilter !== '') return { passed: 0, failed: 0, skipped: 0, notes: [], output: '' };
    return notRun(`no file matches ${tier.files.join(' ')}`, run);
  }
  if (tier.browser === true) {
    const browser = chromiumPath();
    if (browser.skip !== false) return notRun(browser.skip, run);
  }
  const tapFile = join(run.scratch, `${tier.name}.tap`);
  const base =
    tier.mayInstall === true ? scrubbedEnv(process.env, { root: ROOT, mayInstall: true }) : run.env;
  const env = { ...base, ...tier.env };
  const command = suiteCommand(tier, tapFile, files);
  const ending = await runChild(command, { root: ROOT, env, deadlineSec });
  return suiteResult(ending, readOrEmpty(tapFile), { deadlineSec, ...run });
}

function suiteFiles(tier: SuiteTier): string[] {
  return globSync(tier.files, { cwd: ROOT, exclude: tier.exclude ?? [] }).toSorted();
}

/** Two reporters: one for people, shown only on failure, one to count by. */
function suiteCommand(tier: SuiteTier, tapFile: string, files: string[]): [string, ...string[]] {
  const isolation =
    tier.processes === 0
      ? ['--test-isolation=none']
      : ['--test-isolation=process', `--test-concurrency=${tier.processes}`];
  return [
    process.execPath,
    ...(tier.nodeFlags ?? []),
    '--test',
    ...isolation,
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    '--test-reporter=tap',
    `--test-reporter-destination=${tapFile}`,
    ...files,
  ];
}

/** The counts of a process that died before it opened its report are none. */
function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
}

function report(tier: Tier, result: TierResult, seconds: number): void {
  const counts = `${result.passed} passed, ${result.failed} failed, ${result.skipped} skipped`;
  const mark = result.failed > 0 ? 'FAILED ' : '';
  const details = result.failed > 0 ? failureDetails(result.output) : '';
  if (details !== '') print(`──── ${tier.name} ────\n${details}`);
  print(`${mark}${tier.name}: ${counts}, ${seconds.toFixed(1)} s`);
  for (const note of result.notes) print(`    ${note}`);
}

/** Lines of node:test that say nothing about a failure: tests that passed, and its own counts. */
const NOISE = /^\s*(✔ .*|ℹ (tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+)$/;

function failureDetails(output: string): string {
  const lines = output.split('\n').filter((line) => !NOISE.test(line));
  return lines.join('\n').trim();
}

function print(text: string): void {
  if (text !== '') process.stdout.write(`${text}\n`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { tier: { type: 'string', multiple: true }, file: { type: 'string' } },
  });
  const scratch = mkdtempSync(join(tmpdir(), 'orrery-test-'));
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      killAll();
      rmSync(scratch, { recursive: true, force: true });
      process.exit(1);
    });
  try {
    const totals = await runTests({
      tiers: selectTiers(values.tier?.flatMap((names) => names.split(',')) ?? []),
      env: scrubbedEnv(process.env, { root: ROOT, mayInstall: false }),
      isStrict: process.env['TEST_STRICT'] === '1',
      fileFilter: values.file ?? '',
      scratch,
    });
    print(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
    process.exitCode = totals.failed > 0 ? 1 : 0;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

await main();
