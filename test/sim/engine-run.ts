// One seed through the whole engine: writers, rewrites, deletes, resent batches, flushes and merges
// on a simulated machine whose disk fails and which dies again and again. After each death the
// storage is opened on what the disk kept and read back whole, and the next life goes on from
// there; the oracle says in words what is missing, changed or was never written. At the end of some
// seeds the files are damaged, one after the other: what was destroyed is named, nothing is made
// up.
import { AppError } from '../../src/model/errors.ts';
import type { Storage } from '../../src/model/storage.ts';
import { errorMessage, FatalError } from '../../src/stdx/assert.ts';
import type { Probe } from '../../src/stdx/probe.ts';
import { randomInt, seededPrng } from '../../src/stdx/prng.ts';
import type { Prng } from '../../src/stdx/prng.ts';
import type { TsdbEvent } from '../../src/tsdb/tsdb.ts';
import { checkRead, WriteOracle } from '../support/write-oracle.ts';
import type { ReadBack } from '../support/write-oracle.ts';
import { armFault, drawEnding, drawFault, drawJump, drawPace } from './engine-faults.ts';
import type { Ending, FaultName } from './engine-faults.ts';
import { Life, RECOVERY_MS, Writer } from './engine-life.ts';
import { checkQueries, drawShape, LANES, OperationSource, readAll } from './engine-model.ts';
import { drawEngineSettings } from './open-engine.ts';
import type { EngineSettings, OpenEngine } from './open-engine.ts';
import type { DiskMutations } from './sim-disk.ts';
import { SimStalled, World } from './world.ts';
import type { Machine } from './world.ts';

const LIVES = 3;
const STEPS_PER_LIFE_MAX = 1000;
const STEPS_BETWEEN_JUMPS_MAX = 200;
const DAMAGES = 6;
/** Events that only damaged files explain. */
const DAMAGE_EVENTS: readonly TsdbEvent['kind'][] = [
  'dead-letter',
  'log-damage',
  'corrupt',
  'head-snapshot-damaged',
  'seen-list-damaged',
];

/** What a seed is about; drawn from it unless said. */
export type Profile = 'sound' | 'faulty' | 'damaged';

export interface EngineRunOptions {
  readonly seed: number;
  readonly open: OpenEngine;
  readonly disk?: DiskMutations;
  readonly profile?: Profile;
  /** Of which files bits are flipped, in a damaged run. */
  readonly damage?: 'log' | 'part' | 'head';
  /** Every life ends by a power cut while a record is on its way to the disk. */
  readonly isTorn?: boolean;
  /** Every life ends between a flush's commit and what it tidies up. */
  readonly isUntidy?: boolean;
  /** Nobody asks for flushes and merges: they come often, and all by themselves. */
  readonly isUnattended?: boolean;
  /** Hears what happens, in words. */
  readonly trace?: (text: string) => void;
}

export interface EngineRunReport {
  readonly violations: readonly string[];
  readonly acknowledgedPoints: number;
  readonly deaths: number;
  /** Deaths in the middle of named places. */
  readonly places: Readonly<Record<string, number>>;
}

/** State of one run that outlives the deaths of its machine. */
class EngineRun {
  readonly #options: EngineRunOptions;
  readonly #world: World;
  readonly #prng: Prng;
  readonly #settings: EngineSettings;
  readonly #profile: Profile;
  readonly #oracle = new WriteOracle();
  readonly #violations: string[] = [];
  readonly #writers: readonly Writer[];
  readonly #sentPoints = new Set<string>();
  readonly #places: Record<string, number> = {};
  #events: TsdbEvent[] = [];
  #jumpCount = 0;
  #deaths = 0;
  #life = 0;
  #probe: Probe = () => undefined;

  constructor(options: EngineRunOptions) {
    this.#options = options;
    this.#world = new World({ seed: options.seed, mutations: options.disk ?? {} });
    const prng = seededPrng(options.seed ^ 0x5bd1e995);
    this.#prng = prng;
    const settings = drawEngineSettings(prng, options.isUnattended === true);
    const often = { ...settings.tsdb, headSnapshotLogBytes: 300, logTailMaxBytes: 1_000_000 };
    this.#settings = options.damage === 'head' ? { ...settings, tsdb: often } : settings;
    const drawn = (['sound', 'sound', 'faulty', 'faulty', 'damaged'] as const)[randomInt(prng, 5)]!;
    this.#profile = options.profile ?? drawn;
    const drawnShape = drawShape(prng);
    // Few times in one partition: every part rewrites what others hold.
    const shape =
      options.isUnattended === true
        ? { ...drawnShape, stepUs: 1000, timeCount: 12, orderShare: 0 }
        : drawnShape;
    this.#writers = Array.from(
      { length: LANES },
      (_, lane) => new Writer(lane, new OperationSource(prng, shape, lane)),
    );
    this.#trace(`${this.#profile} ${JSON.stringify(this.#settings)} ${JSON.stringify(shape)}`);
  }

  async run(): Promise<EngineRunReport> {
    for (; this.#life < LIVES && this.#violations.length === 0; this.#life++) await this.#live();
    if (this.#violations.length === 0) await this.#verifyLast();
    const { acknowledgedPoints } = this.#oracle;
    return {
      violations: this.#violations,
      acknowledgedPoints,
      deaths: this.#deaths,
      places: this.#places,
    };
  }

  #trace(text: string): void {
    this.#options.trace?.(`life ${this.#life}: ${text}`);
  }

  #violate(text: string): void {
    this.#trace(`VIOLATION ${text}`);
    this.#violations.push(`life ${this.#life}: ${text}`);
  }

  #open(machine: Machine): Promise<Storage> {
    return this.#options.open(machine, {
      settings: this.#settings,
      report: (event) => {
        if (!machine.files.alive) return;
        this.#trace(`event ${JSON.stringify(event)}`);
        this.#events.push(event);
      },
      probe: (place) => this.#probe(place),
    });
  }

  /** The machine dies; what is left is what the disk kept. */
  #crash(): void {
    const isKill = randomInt(this.#prng, 3) === 0 && this.#options.isTorn !== true;
    const kind = isKill ? 'kill' : 'power';
    this.#trace(`dies (${kind})`);
    this.#probe = () => undefined;
    this.#world.crash(kind);
    this.#deaths++;
  }

  // -------------------------------------------------------------- lives

  async #live(): Promise<void> {
    if (randomInt(this.#prng, 4) === 0) await this.#dieOpening();
    this.#world.heal();
    this.#events = [];
    const machine = this.#world.boot();
    const storage = await this.#verify(machine);
    if (storage === undefined) return this.#crash();
    const fault = this.#profile === 'faulty' ? drawFault(this.#prng) : 'none';
    const ending = drawEnding(this.#prng, this.#endingWish());
    this.#trace(`lives with ${fault}, ends by ${JSON.stringify(ending)}`);
    drawPace(this.#world, this.#prng);
    armFault(this.#world, this.#prng, fault);
    this.#armEnding(ending);
    const life = this.#newLife(machine, storage, fault);
    const writing = life.start();
    await this.#runUntil(life, ending, fault);
    if (ending.kind === 'close' && this.#world.alive && !life.isOver)
      await this.#close(life, storage, writing);
    this.#checkEvents(fault);
    this.#crash();
  }

  /** Dies, or meets a failing disk, before it is open. */
  async #dieOpening(): Promise<void> {
    const world = this.#world;
    const machine = world.boot();
    if (this.#profile === 'faulty') armFault(world, this.#prng, drawFault(this.#prng));
    world.crashAfterOperations(1 + randomInt(this.#prng, 60));
    let outcome = 'opened';
    try {
      await world.run(this.#open(machine));
    } catch (error) {
      outcome = errorMessage(error);
      const isExpected =
        !machine.files.alive ||
        error instanceof SimStalled ||
        (this.#profile === 'faulty' && (error instanceof AppError || error instanceof FatalError));
      if (!isExpected) this.#violate(`does not open: ${outcome}`);
    }
    this.#trace(`while opening: ${outcome}`);
    this.#crash();
  }

  #newLife(machine: Machine, storage: Storage, fault: FaultName): Life {
    return new Life({
      machine,
      storage,
      oracle: this.#oracle,
      prng: this.#prng,
      writers: this.#writers,
      sentPoints: this.#sentPoints,
      isFaulty: fault !== 'none',
      isFullOnly: fault === 'full',
      slowness: this.#world.slowness,
      hasHousekeeper: randomInt(this.#prng, 4) > 0 && this.#options.isUnattended !== true,
      jumpCount: () => this.#jumpCount,
      violate: (text) => this.#violate(text),
      trace: (text) => this.#trace(text),
    });
  }

  #endingWish(): 'torn' | 'late' | 'untidy' | undefined {
    if (this.#options.isTorn === true) return 'torn';
    if (this.#options.isUntidy === true) return 'untidy';
    return this.#options.isUnattended === true ? 'late' : undefined;
  }

  #armEnding(ending: Ending): void {
    if (ending.kind === 'operation') this.#world.crashAfterOperations(ending.count);
    if (ending.kind !== 'place') return;
    let left = ending.nth;
    this.#probe = (place) => {
      if (place !== ending.place || --left !== 0) return;
      this.#places[place] = (this.#places[place] ?? 0) + 1;
      this.#trace(`ends in ${place}`);
      this.#world.kill();
    };
  }

  /** Runs the life to its end; on the way the clocks jump and a full disk is freed. */
  async #runUntil(life: Life, ending: Ending, fault: FaultName): Promise<void> {
    const world = this.#world;
    const prng = this.#prng;
    const isDone = (): boolean => life.isOver || this.#violations.length > 0;
    let left = ending.kind === 'steps' ? ending.count : STEPS_PER_LIFE_MAX;
    const jumps = randomInt(prng, 3) === 0;
    if (ending.kind === 'close') left = randomInt(prng, 600);
    while (left > 0 && world.alive && !isDone()) {
      const steps = Math.min(left, 1 + randomInt(prng, STEPS_BETWEEN_JUMPS_MAX));
      await world.runSteps(steps, isDone);
      left -= steps;
      if (jumps) this.#jump();
      if (fault === 'full' && randomInt(prng, 3) === 0 && world.alive && !isDone()) {
        await this.#free(life);
        return;
      }
    }
  }

  #jump(): void {
    const { wallMs, sleptMs } = drawJump(this.#prng);
    this.#trace(`the clock jumps by ${wallMs} ms, the machine sleeps ${sleptMs} ms`);
    this.#world.clock.wallOffsetMs += wallMs;
    this.#world.clock.sleep(sleptMs);
    if (wallMs !== 0) this.#jumpCount++;
  }

  /** Space comes back: every writer must get through by itself, within bounded time. */
  async #free(life: Life): Promise<void> {
    const world = this.#world;
    this.#trace('the disk has space again');
    world.disk.capacityBytes = Number.MAX_SAFE_INTEGER;
    world.slowness = 1;
    life.successes.clear();
    const untilMs = world.clock.monotonicMs() + RECOVERY_MS;
    const isBack = (): boolean =>
      life.successes.size === LANES || life.isOver || world.clock.monotonicMs() > untilMs;
    while (world.alive && !isBack()) await world.runSteps(50, isBack);
    if (world.alive && !life.isOver && life.successes.size < LANES)
      this.#violate(`only lanes ${[...life.successes].join(', ')} write again after a full disk`);
  }

  /** An orderly end: everything that was answered is safe, async or not. */
  async #close(life: Life, storage: Storage, writing: Promise<unknown>): Promise<void> {
    const world = this.#world;
    life.isStopping = true;
    try {
      await world.run(writing);
      await world.run(storage.close());
    } catch (error) {
      const isExpected = this.#profile === 'faulty' || !world.alive;
      if (!isExpected) this.#violate(`does not close: ${errorMessage(error)}`);
      return;
    }
    this.#trace('closed');
    for (const { unanswered, lane } of this.#writers)
      if (unanswered === undefined) this.#oracle.acknowledgeAll(String(lane));
  }

  #checkEvents(fault: FaultName): void {
    for (const event of this.#events) {
      const isDamage = DAMAGE_EVENTS.includes(event.kind);
      const isFailure = event.kind === 'maintenance-failed' || event.kind === 'fatal';
      if (isDamage || (isFailure && fault === 'none'))
        this.#violate(`event ${JSON.stringify(event)} ${errorOf(event)}`);
    }
  }

  // -------------------------------------------------------------- what the disk kept

  /** Opens on what the disk kept and compares; undefined where that fails. */
  async #verify(machine: Machine): Promise<Storage | undefined> {
    try {
      const { disk } = this.#world;
      const files = new Map(disk.paths().map((path) => [path, disk.node(path)]));
      const storage = await this.#world.run(this.#open(machine));
      this.#checkFolders(storage, files);
      const found = await this.#world.run(this.#readOnce(storage));
      for (const text of this.#oracle.settle(found)) this.#violate(text);
      return this.#violations.length === 0 ? storage : undefined;
    } catch (error) {
      this.#violate(`does not open or read: ${errorMessage(error)}`);
      return undefined;
    }
  }

  async #readOnce(storage: Storage): Promise<ReadBack> {
    const pin = storage.pin();
    const found = await readAll(storage, pin);
    if (randomInt(this.#prng, 3) === 0) await checkQueries(storage, pin, found);
    pin.release();
    return found;
  }

  /** Of the files of former lives nothing is left that was never finished. */
  #checkFolders(storage: Storage, files: ReadonlyMap<string, unknown>): void {
    const { disk } = this.#world;
    const kept = disk.paths().filter((path) => disk.node(path) === files.get(path));
    const left = kept.filter((path) => path.includes('/.tmp/'));
    if (left.length > 0) this.#violate(`left behind: ${left.join(', ')}`);
    const parts = kept.filter((path) => /^\/data\/blobs\/parts\/.*\.part$/.test(path));
    const { partCount } = storage.stats();
    const heads = kept.filter((path) => path.endsWith('.head'));
    if (heads.length > 1) this.#violate(`kept ${heads.length} head snapshots: ${heads.join(', ')}`);
    if (parts.length > partCount)
      this.#violate(`${parts.length} parts on disk, the catalog knows ${partCount}`);
  }

  async #verifyLast(): Promise<void> {
    this.#world.heal();
    this.#events = [];
    const storage = await this.#verify(this.#world.boot());
    this.#checkEvents('none');
    const isDamaged = this.#profile === 'damaged' && storage !== undefined;
    // Closing would flush a short log, and there were no head snapshot.
    const isOpen = this.#options.damage === 'head' || randomInt(this.#prng, 2) > 0;
    const isClosed = isDamaged && !isOpen;
    if (isClosed) await this.#world.run(storage.close());
    this.#world.crash('kill');
    for (let left = isDamaged ? DAMAGES : 0; left > 0; left--) await this.#verifyDamaged(isClosed);
  }

  // -------------------------------------------------------------- damage

  /**
   * What damage destroyed is refused or missing and named; nothing is made up. Above the highest
   * durable mark a bad record is a torn tail: only a log that was closed has none.
   */
  async #verifyDamaged(isClosed: boolean): Promise<void> {
    const { disk } = this.#world;
    const saved = disk.save();
    const path = this.#damageFile();
    if (path === undefined) return;
    this.#events = [];
    try {
      const machine = this.#world.boot();
      const storage = await this.#world.run(this.#open(machine));
      if (randomInt(this.#prng, 3) === 0) await this.#world.run(compactAnyway(storage));
      const pin = storage.pin();
      const found = await this.#world.run(readAll(storage, pin));
      this.#checkDamaged(found, isClosed || !path.endsWith('.log'), path);
    } catch (error) {
      if (!(error instanceof AppError || error instanceof FatalError))
        this.#violate(`damage of '${path}' shows as ${String(error)}`);
    }
    this.#world.crash('kill');
    disk.restore(saved);
  }

  #checkDamaged(found: ReadBack, mustBeNamed: boolean, path: string): void {
    for (const points of found.values())
      for (const [key, value] of points)
        if (!this.#sentPoints.has(`${key}: ${value}`))
          this.#violate(`after damage of '${path}' ${key} is ${value}, which was never sent`);
    // The log says the same: without a word of it nothing may be missing.
    const isHarmless = path.endsWith('.head');
    if (isHarmless)
      for (const text of checkRead(found, this.#oracle.candidates()))
        this.#violate(`damage of '${path}' costs something: ${text}`);
    const isNamed = this.#events.some(({ kind }) => DAMAGE_EVENTS.includes(kind));
    if (isNamed || !mustBeNamed) return;
    for (const text of checkRead(found, this.#oracle.candidates()))
      this.#violate(`damage of '${path}' is not named: ${text}`);
  }

  /**
   * Flips a bit, or a few close together, or cuts the end off; undefined where nothing is there.
   */
  #damageFile(): string | undefined {
    const { disk } = this.#world;
    const { damage } = this.#options;
    const prng = this.#prng;
    const paths = disk.paths().filter((path) => {
      // A segment that was freed has no header, and what else it holds is nothing.
      if (path.endsWith('.log')) return (damage ?? 'log') === 'log' && disk.bytesOf(path)![0] !== 0;
      if (path.endsWith('.part')) return (damage ?? 'part') === 'part';
      if (path.endsWith('.head')) return (damage ?? 'head') === 'head';
      return damage === undefined && !path.endsWith('.tmp') && disk.bytesOf(path) !== undefined;
    });
    const path = paths[randomInt(prng, Math.max(1, paths.length))];
    const bytes = path === undefined ? undefined : disk.bytesOf(path);
    if (path === undefined || bytes === undefined || bytes.length === 0) return undefined;
    // The tail of a segment is empty: damage where bytes are.
    const usedBytes = 1 + bytes.findLastIndex((byte) => byte !== 0);
    if (usedBytes === 0) return undefined;
    if (damage === undefined && randomInt(prng, 8) === 0) {
      const sizeBytes = randomInt(prng, usedBytes);
      this.#trace(`cuts '${path}' at ${sizeBytes} of ${usedBytes}`);
      disk.cut(path, sizeBytes);
      return path;
    }
    // The older half of a log is in parts by now.
    const isTail = path.endsWith('.log') && randomInt(prng, 4) > 0;
    let at = isTail ? usedBytes - 1 - randomInt(prng, usedBytes >>> 1) : randomInt(prng, usedBytes);
    // Most of a head snapshot so small is pages that nobody has used yet.
    while (path.endsWith('.head') && bytes[at] === 0) at = randomInt(prng, usedBytes);
    const count = 1 + randomInt(prng, 3);
    for (let i = 0; i < count; i++) {
      const bit = 8 * Math.min(usedBytes - 1, at + randomInt(prng, 8)) + randomInt(prng, 8);
      this.#trace(`flips bit ${bit} of '${path}' (${usedBytes} bytes used)`);
      disk.flipBit(path, bit);
    }
    return path;
  }
}

/** Maintenance over damage may refuse: what it did is read afterwards. */
async function compactAnyway(storage: Storage): Promise<void> {
  try {
    await storage.compact();
  } catch (error) {
    if (!(error instanceof AppError || error instanceof FatalError)) throw error;
  }
}

function errorOf(event: TsdbEvent): string {
  if (!('error' in event)) return '';
  return event.error instanceof Error ? (event.error.stack ?? '') : String(event.error);
}

/** Runs one seed; the same seed and code give the same run. */
export function engineRun(options: EngineRunOptions): Promise<EngineRunReport> {
  return new EngineRun(options).run();
}
