// One simulated machine, wholly determined by its seed: virtual clock, scheduler, disk, random
// numbers. `boot()` starts a life of the process, `crash()` ends it between two steps. Code under
// test gets only the four seams; the test drives it with `run(promise)`.
//
//   const world = new World({ seed });
//   let machine = world.boot();
//   const log = await world.run(openSegmentLog({ files: machine.files, ... }));
//   world.crash('power'); machine = world.boot(); ...
import type { Clock } from '../../src/stdx/clock.ts';
import { type Prng, seededPrng } from '../../src/stdx/prng.ts';
import type { Scheduler } from '../../src/stdx/scheduler.ts';
import { type CrashKind, type DiskMutations, SimDisk } from './sim-disk.ts';
import { type FaultPlan, SimFiles, type SimHost } from './sim-files.ts';
import { SimClock, SimScheduler } from './sim-scheduler.ts';

export interface Machine {
  readonly files: SimFiles;
  readonly scheduler: Scheduler;
  readonly clock: Clock;
  /** The program's own randomness; the world's draws do not disturb it. */
  readonly prng: Prng;
}

export interface WorldOptions {
  readonly seed: number;
  readonly mutations?: DiskMutations;
}

/** The promise given to `run` cannot settle: nothing is left that could make it. */
export class SimStalled extends Error {
  override readonly name = 'SimStalled';
}

export class World {
  readonly seed: number;
  readonly disk: SimDisk;
  readonly clock = new SimClock();
  readonly scheduler: SimScheduler;
  readonly #host: SimHost;
  #machine: Machine | undefined;
  #lives = 0;

  constructor(options: WorldOptions) {
    this.seed = options.seed;
    const prng = seededPrng(options.seed);
    this.disk = new SimDisk(prng, options.mutations ?? {});
    this.scheduler = new SimScheduler(this.clock, prng);
    this.#host = {
      disk: this.disk,
      scheduler: this.scheduler,
      prng,
      fault: undefined,
      operationCount: 0,
      crashAtOperation: undefined,
      slowness: 1,
      shortReadPeriod: 0,
    };
  }

  set fault(plan: FaultPlan | undefined) {
    this.#host.fault = plan;
  }

  get slowness(): number {
    return this.#host.slowness;
  }

  /** From now on every file operation takes so many times as long. */
  set slowness(factor: number) {
    this.#host.slowness = factor;
  }

  /** From now on one read of so many comes in pieces; 0: none. */
  set shortReadPeriod(period: number) {
    this.#host.shortReadPeriod = period;
  }

  /** A sound disk again: no faults, all the space there is, as fast as ever. */
  heal(): void {
    this.fault = undefined;
    this.slowness = 1;
    this.disk.capacityBytes = Number.MAX_SAFE_INTEGER;
  }

  /** The process dies now. */
  kill(): void {
    this.#machine?.files.kill();
  }

  /** The process dies inside its n-th file operation from now. */
  crashAfterOperations(count: number | undefined): void {
    this.#host.crashAtOperation =
      count === undefined ? undefined : this.#host.operationCount + count;
  }

  /** False after crash() and after an armed crash has struck. */
  get alive(): boolean {
    return this.#machine?.files.alive ?? false;
  }

  boot(): Machine {
    this.#lives++;
    this.#machine = {
      files: new SimFiles(this.#host),
      scheduler: this.scheduler,
      clock: this.clock,
      prng: seededPrng((this.seed ^ Math.imul(this.#lives, 0x9e3779b1)) >>> 0),
    };
    return this.#machine;
  }

  crash(kind: CrashKind): void {
    this.#machine?.files.kill();
    this.#machine = undefined;
    this.#host.crashAtOperation = undefined;
    this.scheduler.clear();
    this.disk.crash(kind);
  }

  step(): Promise<boolean> {
    return this.scheduler.step();
  }

  /** Runs tasks until the promise settles; throws SimStalled where it never can. */
  async run<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const mark = (): void => {
      settled = true;
    };
    promise.then(mark, mark);
    for (;;) {
      await this.scheduler.settle();
      if (settled) return promise;
      // Timers of the dead would go on for ever.
      const isDead = this.#machine !== undefined && !this.alive;
      if (isDead || !this.scheduler.runNext())
        throw new SimStalled(`seed ${this.seed}: nothing left to run`);
    }
  }

  /** Runs at most `count` tasks, less where the process dies, `isOver` or none is left. */
  async runSteps(count: number, isOver: () => boolean = () => false): Promise<void> {
    for (let i = 0; i < count && this.alive; i++) {
      await this.scheduler.settle();
      if (isOver() || !this.scheduler.runNext()) break;
    }
    await this.scheduler.settle();
  }

  /** Runs every task that is due within `durationMs`. */
  async runFor(durationMs: number): Promise<void> {
    await this.run(this.scheduler.sleep(durationMs));
    await this.scheduler.settle();
  }
}
