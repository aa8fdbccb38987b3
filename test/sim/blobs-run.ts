// One seed through the blob folder: puts, replacements and removals side by side, deaths in the
// middle of any of them. An object is the last acknowledged one, or a later one that was under way.
import { DirectoryBlobs } from '../../src/blobs/directory-blobs.ts';
import type { Blobs } from '../../src/blobs/blobs.ts';
import { AppError } from '../../src/model/errors.ts';
import { errorMessage } from '../../src/stdx/assert.ts';
import { type Prng, randomInt, randomUnit, seededPrng } from '../../src/stdx/prng.ts';
import type { DiskMutations } from './sim-disk.ts';
import { World, type Machine } from './world.ts';

const NAMES = ['a', 'b/c', 'b/d/e', 'f'];
const LIVES = 5;
const OPERATIONS_PER_LIFE_MAX = 150;
const STEPS_PER_LIFE_MAX = 500;

/** Which bytes an object may hold: its version in the first bytes, 0 = absent. */
interface Expected {
  acknowledged: number;
  underWay: number[];
}

export interface BlobsRunOptions {
  readonly seed: number;
  readonly disk?: DiskMutations;
}

function contentOf(version: number): Uint8Array {
  const prng = seededPrng(version);
  return prng.bytes(randomInt(prng, 3) === 0 ? randomInt(prng, 40) : randomInt(prng, 6000));
}

export async function blobsRun(options: BlobsRunOptions): Promise<readonly string[]> {
  const world = new World({ seed: options.seed, mutations: options.disk ?? {} });
  const prng = seededPrng(options.seed ^ 0x68e31da4);
  const violations: string[] = [];
  const expected = new Map<string, Expected>(
    NAMES.map((name) => [name, { acknowledged: 0, underWay: [] }]),
  );
  const counter = { value: 0 };
  for (let life = 0; life <= LIVES && violations.length === 0; life++) {
    world.fault = undefined;
    const machine = world.boot();
    let blobs: Blobs;
    try {
      blobs = await world.run(DirectoryBlobs.open(machine.files, '/data/blobs'));
      await world.run(verify(blobs, expected, violations));
    } catch (error) {
      violations.push(`does not open or read: ${errorMessage(error)}`);
      break;
    }
    world.crashAfterOperations(1 + randomInt(prng, OPERATIONS_PER_LIFE_MAX));
    if (randomInt(prng, 3) === 0) armFault(world, prng);
    for (const [name, state] of expected) void work(machine, { blobs, prng, counter, name, state });
    await world.runSteps(randomInt(prng, STEPS_PER_LIFE_MAX));
    world.crash(randomInt(prng, 4) === 0 ? 'kill' : 'power');
  }
  return violations;
}

function armFault(world: World, prng: Prng): void {
  const code = randomInt(prng, 2) === 0 ? 'EIO' : 'ENOSPC';
  const period = 5 + randomInt(prng, 40);
  world.fault = (operation, _path, index) =>
    index % period === 0 && operation !== 'read' && operation !== 'close'
      ? { code, isDone: randomInt(prng, 2) === 0 }
      : undefined;
}

interface Work {
  readonly blobs: Blobs;
  readonly prng: Prng;
  readonly counter: { value: number };
  readonly name: string;
  readonly state: Expected;
}

async function work(machine: Machine, { blobs, prng, counter, name, state }: Work): Promise<void> {
  for (;;) {
    await machine.scheduler.sleep(randomUnit(prng) * 5);
    const version = randomInt(prng, 4) === 0 ? 0 : ++counter.value;
    state.underWay.push(version);
    try {
      const bytes = contentOf(version);
      const half = bytes.length >>> 1;
      if (version === 0) await blobs.remove(name);
      else await blobs.put(name, [bytes.subarray(0, half), bytes.subarray(half)]);
    } catch (error) {
      // Refused or failed: it may or may not have happened.
      if (error instanceof AppError) continue;
      return;
    }
    if (!machine.files.alive) return;
    state.acknowledged = version;
    state.underWay = [];
  }
}

/** From now on exactly what was found is the past. */
async function verify(
  blobs: Blobs,
  expected: ReadonlyMap<string, Expected>,
  violations: string[],
): Promise<void> {
  const listed = new Set<string>();
  for await (const { name } of blobs.list('')) listed.add(name);
  for (const name of listed) if (!expected.has(name)) violations.push(`'${name}' was never put`);
  for (const [name, state] of expected) {
    const allowed = [state.acknowledged, ...state.underWay];
    const found = listed.has(name) ? await blobs.get(name) : undefined;
    const version = allowed.find((candidate) =>
      candidate === 0
        ? found === undefined
        : found !== undefined && Buffer.compare(found, contentOf(candidate)) === 0,
    );
    if (version === undefined) {
      const shown = found === undefined ? 'absent' : `${found.length} bytes of something else`;
      violations.push(`'${name}' is ${shown}, not one of ${allowed.join(', ')}`);
      continue;
    }
    state.acknowledged = version;
    state.underWay = [];
  }
}
