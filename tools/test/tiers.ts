// The tiers of `npm test`, in order, as data: what each runs, how long it may take, and which may
// run side by side. Two machine cores are assumed: a stage runs at most two tiers at a time.

interface CheckTier {
  readonly kind: 'check';
  readonly name: string;
  readonly stage: number;
  readonly deadlineSec: number;
  /** A program of node_modules/.bin and its arguments. Passes when it exits 0. */
  readonly command: readonly [string, ...string[]];
}

export interface SuiteTier {
  readonly kind: 'suite';
  readonly name: string;
  readonly stage: number;
  readonly deadlineSec: number;
  /** Globs from the repository's root. Matching nothing is a failure under TEST_STRICT=1. */
  readonly files: readonly string[];
  /** Of every process of the tier. */
  readonly nodeFlags?: readonly string[];
  /** The same: what the C library and Node read of their environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Files of another tier, out of `files`. */
  readonly exclude?: readonly string[];
  /** Test files at a time in a process each; 0 means all of them in one process. */
  readonly processes: number;
  /** Only run when asked for by `--tier`. */
  readonly onRequest?: true;
  /** Installs clients of others by npm: sees how to reach its registry. */
  readonly mayInstall?: true;
  /** Needs a browser: skipped as a whole where there is none. */
  readonly browser?: true;
}

export type Tier = CheckTier | SuiteTier;

export const TIERS: readonly Tier[] = [
  { kind: 'check', name: 'types', stage: 0, deadlineSec: 120, command: ['tsc', '-b'] },
  {
    kind: 'check',
    name: 'lint',
    stage: 0,
    deadlineSec: 120,
    command: ['oxlint', '--deny-warnings'],
  },
  { kind: 'check', name: 'format', stage: 0, deadlineSec: 60, command: ['oxfmt', '--check'] },
  {
    kind: 'suite',
    name: 'tidy',
    stage: 0,
    deadlineSec: 60,
    files: ['tools/tidy/**/*.test.ts'],
    processes: 0,
  },
  { kind: 'check', name: 'dead-code', stage: 0, deadlineSec: 120, command: ['knip'] },
  {
    kind: 'suite',
    name: 'unit',
    stage: 1,
    deadlineSec: 300,
    files: [
      'src/**/*.test.ts',
      'tools/**/*.test.ts',
      'web/app/**/*.test.ts',
      'bench/**/*.test.ts',
      'test/support/**/*.test.ts',
    ],
    exclude: ['tools/tidy/**'],
    processes: 0,
  },
  {
    kind: 'suite',
    name: 'conformance',
    stage: 1,
    deadlineSec: 180,
    files: ['test/conformance/**/*.test.ts'],
    processes: 1,
  },
  {
    kind: 'suite',
    name: 'contract',
    stage: 1,
    deadlineSec: 300,
    files: ['test/contract/**/*.test.ts'],
    processes: 1,
  },
  // Its threads take every core, so that collectors of garbage beside them are in their way. Small
  // buffers come and go all the time: they alone need not start one. Both: 15 to 20 % of its CPU.
  // Little of what a seed makes lives on: with larger halves of the heap's young part it is looked
  // through half as often, and a heap that may be large from the start saves another 4 % (decision
  // 0065).
  {
    kind: 'suite',
    name: 'simulator',
    stage: 2,
    deadlineSec: 900,
    nodeFlags: [
      '--single-threaded-gc',
      '--external-memory-accounted-in-global-limit',
      '--min-semi-space-size=64',
      '--max-semi-space-size=64',
      '--initial-heap-size=512',
      '--v8-pool-size=1',
    ],
    // Small arrays by the million: memory that was freed is kept for the next ones.
    env: {
      MALLOC_TOP_PAD_: String(64 * 2 ** 20),
      MALLOC_TRIM_THRESHOLD_: String(2 ** 30),
      MALLOC_MMAP_THRESHOLD_: String(32 * 2 ** 20),
    },
    files: ['test/sim/**/*.test.ts'],
    processes: 2,
  },
  {
    kind: 'suite',
    name: 'black-box',
    stage: 3,
    deadlineSec: 900,
    files: ['test/apptest/**/*.test.ts'],
    processes: 2,
  },
  {
    kind: 'suite',
    name: 'browser',
    stage: 4,
    deadlineSec: 600,
    files: ['web/e2e/**/*.test.ts', 'test/browser/**/*.test.ts'],
    processes: 1,
    browser: true,
  },
  {
    kind: 'suite',
    name: 'peers',
    stage: 5,
    deadlineSec: 1500,
    files: ['test/peers/**/*.test.ts'],
    processes: 1,
    mayInstall: true,
    onRequest: true,
  },
  {
    kind: 'suite',
    name: 'soak',
    stage: 6,
    deadlineSec: 6 * 3600,
    files: ['test/soak/**/*.test.ts'],
    processes: 1,
    onRequest: true,
  },
];

/** The tiers a command line asks for, in table order. Throws a sentence on an unknown name. */
export function selectTiers(names: readonly string[]): Tier[] {
  for (const name of names) {
    if (TIERS.some((tier) => tier.name === name)) continue;
    throw new Error(`no tier ${name}; there are ${TIERS.map((tier) => tier.name).join(', ')}`);
  }
  if (names.length > 0) return TIERS.filter((tier) => names.includes(tier.name));
  return TIERS.filter((tier) => tier.kind === 'check' || tier.onRequest !== true);
}
