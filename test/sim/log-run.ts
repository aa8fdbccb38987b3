// One seed through the segment log: appends of all sizes, syncs, trims, shrinks, readers, deaths in
// the middle of anything, full disks, failed syncs. Every durable record must be there bit for bit,
// at its offset; nothing may be there that was not appended; offsets stay dense; the start stays
// trimmed; what was once read after a restart stays.
import { LogHistory } from './log-history.ts';
import { openSegmentLog } from '../../src/log/segment-log.ts';
import type { Log } from '../../src/log/log.ts';
import { AppError } from '../../src/model/errors.ts';
import { errorMessage } from '../../src/stdx/assert.ts';
import { type Prng, randomInt, randomUnit, seededPrng } from '../../src/stdx/prng.ts';
import type { DiskMutations } from './sim-disk.ts';
import { SimStalled, World, type Machine } from './world.ts';

const SEGMENT_SIZE_BYTES = 12 * 1024;
const LIVES = 6;
const STEPS_PER_LIFE_MAX = 400;
const OPERATIONS_PER_LIFE_MAX = 300;

export interface LogRunOptions {
  readonly seed: number;
  readonly disk?: DiskMutations;
  readonly skipCrc?: boolean;
}

/** The answer is what went wrong, in words. */
export function logRun(options: LogRunOptions): Promise<readonly string[]> {
  return new LogRun(options).run();
}

class LogRun {
  readonly #options: LogRunOptions;
  readonly #world: World;
  readonly #prng: Prng;
  readonly #history = new LogHistory();
  #over = false;

  constructor(options: LogRunOptions) {
    this.#options = options;
    this.#world = new World({ seed: options.seed, mutations: options.disk ?? {} });
    this.#prng = seededPrng(options.seed ^ 0x2545f491);
  }

  async run(): Promise<readonly string[]> {
    const { violations } = this.#history;
    for (let life = 0; life < LIVES && violations.length === 0; life++) await this.#live();
    if (violations.length === 0) await this.#verify(this.#world.boot());
    return violations;
  }

  #open(machine: Machine): Promise<Log> {
    return openSegmentLog({
      files: machine.files,
      directory: '/data/log',
      prng: machine.prng,
      segmentSizeBytes: SEGMENT_SIZE_BYTES,
      inputRead: () => machine.scheduler.yieldTurn(),
      mutations: { skipCrc: this.#options.skipCrc ?? false },
    });
  }

  /** Opens and compares; undefined where that was not possible. */
  async #verify(machine: Machine): Promise<Log | undefined> {
    this.#world.fault = undefined;
    this.#world.disk.capacityBytes = Number.MAX_SAFE_INTEGER;
    try {
      const log = await this.#world.run(this.#open(machine));
      const found = await this.#world.run(readAll(log));
      this.#history.check(log, found);
      return log;
    } catch (error) {
      this.#history.violations.push(`does not open or read: ${errorMessage(error)}`);
      return undefined;
    }
  }

  async #live(): Promise<void> {
    const world = this.#world;
    const prng = this.#prng;
    // A third of the lives die while they open.
    if (randomInt(prng, 3) === 0) {
      const machine = world.boot();
      world.crashAfterOperations(1 + randomInt(prng, 40));
      await this.#untilDead(this.#open(machine));
      this.#crash();
    }
    const machine = world.boot();
    const log = await this.#verify(machine);
    if (log === undefined) return;
    world.crashAfterOperations(1 + randomInt(prng, OPERATIONS_PER_LIFE_MAX));
    if (randomInt(prng, 4) === 0) this.#armSyncFailure();
    if (randomInt(prng, 4) === 0) world.disk.capacityBytes = world.disk.usedBytes() + 15_000;
    this.#over = false;
    const tasks = [this.#writer(machine, log), this.#writer(machine, log)];
    tasks.push(this.#maintainer(machine, log), this.#reader(machine, log));
    for (const task of tasks) void this.#guard(task);
    const steps = randomInt(prng, STEPS_PER_LIFE_MAX);
    for (let i = 0; i < steps && world.alive && !this.#over; i += 8) await world.runSteps(8);
    this.#crash();
  }

  #crash(): void {
    this.#world.crash(randomInt(this.#prng, 3) === 0 ? 'kill' : 'power');
  }

  /** After a fatal error the process would end: so does this life. */
  async #guard(task: Promise<void>): Promise<void> {
    try {
      await task;
    } catch {
      this.#over = true;
    }
  }

  async #untilDead(opening: Promise<Log>): Promise<void> {
    const quiet = opening.then(
      () => undefined,
      () => undefined,
    );
    try {
      await this.#world.run(quiet);
    } catch (error) {
      if (!(error instanceof SimStalled)) throw error;
    }
  }

  #armSyncFailure(): void {
    let left = 1 + randomInt(this.#prng, 20);
    this.#world.fault = (operation) => {
      if (operation === 'datasync') left--;
      const isDue = operation === 'datasync' && left === 0;
      return isDue ? { code: 'EIO', isDone: false } : undefined;
    };
  }

  async #writer(machine: Machine, log: Log): Promise<void> {
    const prng = this.#prng;
    for (;;) {
      const bytes = prng.bytes(randomLength(prng));
      let appended;
      try {
        appended = log.append(bytes);
      } catch (error) {
        if (!(error instanceof AppError) || error.code !== 'disk-full') throw error;
        await machine.scheduler.sleep(5);
        // Space comes back, and the log must find it by itself.
        this.#world.disk.capacityBytes = Number.MAX_SAFE_INTEGER;
        continue;
      }
      if (!machine.files.alive) return;
      this.#history.appended(appended.offset, bytes);
      bytes.fill(0xee);
      const { offset } = appended;
      const acknowledged = appended.durable.then(() => {
        if (machine.files.alive) this.#history.durable(offset);
        return undefined;
      });
      if (randomInt(prng, 3) > 0) await acknowledged;
      else void this.#guard(acknowledged);
      if (randomInt(prng, 5) === 0) await machine.scheduler.sleep(randomUnit(prng) * 3);
    }
  }

  async #maintainer(machine: Machine, log: Log): Promise<void> {
    const prng = this.#prng;
    for (;;) {
      await machine.scheduler.sleep(randomUnit(prng) * 20);
      const choice = randomInt(prng, 6);
      if (choice === 0) await log.sync();
      else if (choice === 1) await log.shrink();
      else if (choice === 2) await this.#trim(log, log.durableOffset);
      else await this.#trim(log, log.startOffset + randomInt(prng, 8));
    }
  }

  async #trim(log: Log, offset: number): Promise<void> {
    const target = Math.min(offset, log.durableOffset);
    this.#history.trimming(target);
    await log.trim(target);
    this.#history.trimmed(log.startOffset);
  }

  async #reader(machine: Machine, log: Log): Promise<void> {
    for (;;) {
      await machine.scheduler.sleep(randomUnit(this.#prng) * 30);
      for await (const { offset, bytes } of log.read(log.startOffset)) {
        this.#history.checkRecord(offset, bytes);
        if (randomInt(this.#prng, 10) === 0) await machine.scheduler.sleep(1);
        if (offset > log.startOffset + 50) break;
      }
    }
  }
}

function randomLength(prng: Prng): number {
  const choice = randomInt(prng, 10);
  if (choice === 0) return randomInt(prng, 3 * SEGMENT_SIZE_BYTES);
  return choice < 4 ? randomInt(prng, 20) : randomInt(prng, 2000);
}

async function readAll(log: Log): Promise<Map<number, Uint8Array>> {
  const found = new Map<number, Uint8Array>();
  for await (const { offset, bytes } of log.read(log.startOffset)) found.set(offset, bytes.slice());
  return found;
}
