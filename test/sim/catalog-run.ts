// One seed through the catalog over `Files`: transfers between accounts, deaths in the middle of
// commits, failed writes, functions that run twice. After each death the sum is what it was and the
// version is the last acknowledged one or that of the commit under way.
import { FilesCatalog } from '../../src/catalog/files-catalog.ts';
import type { Catalog, CatalogTx } from '../../src/catalog/catalog.ts';
import { AppError } from '../../src/model/errors.ts';
import { errorMessage } from '../../src/stdx/assert.ts';
import { type Prng, randomInt, randomUnit, seededPrng } from '../../src/stdx/prng.ts';
import type { DiskMutations } from './sim-disk.ts';
import { World, type Machine } from './world.ts';

const ACCOUNTS = 5;
const SUM = 1000;
const LIVES = 5;
const STEPS_PER_LIFE_MAX = 400;

export interface CatalogRunOptions {
  readonly seed: number;
  readonly disk?: DiskMutations;
}

interface Expected {
  version: number;
  /** Notes of transfers that were acknowledged: each must still be there. */
  readonly acknowledged: Set<number>;
  /** Sent and not acknowledged: may be there. */
  readonly underWay: Set<number>;
  transferCount: number;
}

const key = (account: number): string => `account/${account}`;
const encode = (value: number): Uint8Array => new TextEncoder().encode(String(value));
const decode = (value: Uint8Array): number => Number(new TextDecoder().decode(value));

async function balance(tx: CatalogTx, account: number): Promise<number> {
  const entry = await tx.get(key(account));
  return entry === undefined ? 0 : decode(entry.value);
}

export async function catalogRun(options: CatalogRunOptions): Promise<readonly string[]> {
  const world = new World({ seed: options.seed, mutations: options.disk ?? {} });
  const prng = seededPrng(options.seed ^ 0x1b56c4e9);
  const violations: string[] = [];
  const expected: Expected = {
    version: 0,
    acknowledged: new Set(),
    underWay: new Set(),
    transferCount: 0,
  };
  for (let life = 0; life <= LIVES && violations.length === 0; life++) {
    world.fault = undefined;
    const machine = world.boot();
    const isConflict = (): boolean => randomInt(prng, 4) === 0;
    let catalog: Catalog;
    try {
      const path = '/data/catalog.snapshot';
      catalog = await world.run(FilesCatalog.open(machine.files, path, { isConflict }));
      await world.run(verify(catalog, expected, violations));
    } catch (error) {
      violations.push(`does not open or read: ${errorMessage(error)}`);
      break;
    }
    world.crashAfterOperations(1 + randomInt(prng, 120));
    const failAt = randomInt(prng, 3) === 0 ? 10 + randomInt(prng, 30) : 0;
    world.fault = (_operation, _path, index) =>
      failAt > 0 && index % failAt === 0
        ? { code: 'EIO', isDone: randomInt(prng, 2) === 0 }
        : undefined;
    for (let i = 0; i < 2; i++) void transfers(machine, { catalog, prng, expected, violations });
    await world.runSteps(randomInt(prng, STEPS_PER_LIFE_MAX));
    world.crash(randomInt(prng, 4) === 0 ? 'kill' : 'power');
  }
  return violations;
}

interface Work {
  readonly catalog: Catalog;
  readonly prng: Prng;
  readonly expected: Expected;
  readonly violations: string[];
}

async function transfers(machine: Machine, work: Work): Promise<void> {
  const { catalog, prng, expected, violations } = work;
  for (;;) {
    await machine.scheduler.sleep(randomUnit(prng) * 5);
    const note = ++expected.transferCount;
    const [from, to] = [randomInt(prng, ACCOUNTS), randomInt(prng, ACCOUNTS)];
    expected.underWay.add(note);
    try {
      const { version } = await catalog.transact((tx) => transfer(tx, from, to, note));
      if (!machine.files.alive) return;
      if (version <= expected.version) {
        violations.push(`version ${version} after ${expected.version}`);
      }
      expected.version = version;
      expected.acknowledged.add(note);
      expected.underWay.delete(note);
    } catch (error) {
      if (!(error instanceof AppError)) return;
      // Any other refusal promises that nothing was written.
      if (error.code !== 'catalog-commit-unknown') expected.underWay.delete(note);
    }
  }
}

async function transfer(tx: CatalogTx, from: number, to: number, note: number): Promise<void> {
  const first = (await tx.get('opened')) === undefined;
  if (first) {
    tx.set('opened', encode(1));
    tx.set(key(0), encode(SUM));
  }
  const amount = 1 + (note % 7);
  tx.set(key(from), encode((await balance(tx, from)) - amount));
  tx.set(key(to), encode((await balance(tx, to)) + amount));
  tx.set(`note/${note}`, encode(amount));
}

/** From now on exactly what was found is the past. */
async function verify(catalog: Catalog, expected: Expected, violations: string[]): Promise<void> {
  const { result, version } = await catalog.transact(async (tx) => {
    const accounts = await tx.range('account/', 'account0');
    const notes = await tx.range('note/', 'note0');
    const sum = accounts.reduce((total, { value }) => total + decode(value), 0);
    return { sum, notes: notes.map((entry) => Number(entry.key.slice(5))) };
  });
  const found = new Set(result.notes);
  if (found.size > 0 && result.sum !== SUM) violations.push(`the sum is ${result.sum}`);
  if (version < expected.version) violations.push(`version ${version}, was ${expected.version}`);
  if (version !== found.size) violations.push(`version ${version} with ${found.size} transfers`);
  for (const note of expected.acknowledged) {
    if (!found.has(note)) violations.push(`transfer ${note} was acknowledged and is gone`);
  }
  for (const note of found) {
    const known = expected.acknowledged.has(note) || expected.underWay.has(note);
    if (!known) violations.push(`transfer ${note} was never sent, or had failed before`);
    expected.acknowledged.add(note);
  }
  expected.underWay.clear();
  expected.version = version;
}
