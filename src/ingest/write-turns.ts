// Whose body is scanned next. Bodies that arrive together would be scanned in the order of their
// arrival, all of them before anything else is looked at; here so many bytes of them are scanned in
// one turn of the event loop, and of those that wait tenants take turns. A write that meets no
// other is scanned at once.
//
// A body of many new series takes several turns: a new one costs a hundred times what a known one
// does. Its scan is cut short (TurnOver) and begins again in the next turn, when what it has met is
// known. So that reading it again stays the smaller part, a turn lasts some times as long as the
// scan took to come to its first new row: what is scanned slowly (JSON) has longer turns.
import type { TenantId } from '../model/tenant.ts';
import type { Clock } from '../stdx/clock.ts';
import { TurnLine } from '../tenancy/turn-line.ts';
import {
  NEW_ROWS_PER_LOOK,
  NEW_ROWS_TURN_MS,
  REREAD_TURN_FACTOR,
  SCANS_MAX,
  WRITE_SLICE_BYTES,
  WRITE_TURN_BYTES,
} from './limits.ts';

export interface WriteTurn {
  readonly tenant: TenantId;
  readonly sizeBytes: number;
  /** At least 1. */
  readonly weight: number;
}

interface Waiter {
  readonly sizeBytes: number;
  readonly go: () => void;
}

type TurnClock = Pick<Clock, 'monotonicMs'>;

/** Runs a task in the next turn of the event loop, behind what has arrived until then. */
export type NextTurn = (task: () => void) => void;

/** Thrown out of a scan that goes on in a later turn. */
export class TurnOver extends Error {}

/** The turns of one write whose body may have many new rows. */
export class ScanTurns {
  readonly #clock: TurnClock;
  #scanCount = 0;
  #newRows = 0;
  #beganMs = 0;
  #endMs = 0;

  constructor(clock: TurnClock) {
    this.#clock = clock;
  }

  /** Before each scan. */
  begin(): void {
    this.#scanCount += 1;
    this.#newRows = 0;
    this.#beganMs = this.#clock.monotonicMs();
  }

  /** Before a row is added; throws TurnOver. At least NEW_ROWS_PER_LOOK come in each scan. */
  takeNewRow(): void {
    const row = this.#newRows++;
    if (row % NEW_ROWS_PER_LOOK !== 0) return;
    const nowMs = this.#clock.monotonicMs();
    if (row === 0)
      this.#endMs =
        nowMs + Math.max(NEW_ROWS_TURN_MS, (nowMs - this.#beganMs) * REREAD_TURN_FACTOR);
    else if (nowMs > this.#endMs && this.#scanCount < SCANS_MAX) throw new TurnOver();
  }
}

export class WriteTurns {
  readonly #nextTurn: NextTurn;
  readonly #line = new TurnLine<Waiter>(WRITE_TURN_BYTES);
  /** Of bodies that went in this turn of the event loop. */
  #sliceBytes = 0;
  #isSliceOpen = false;

  readonly #clock: TurnClock;

  constructor(nextTurn: NextTurn, clock: TurnClock) {
    this.#nextTurn = nextTurn;
    this.#clock = clock;
  }

  scanTurns(): ScanTurns {
    return new ScanTurns(this.#clock);
  }

  get waiting(): number {
    return this.#line.count;
  }

  /** undefined: at once. */
  enter({ tenant, sizeBytes, weight }: WriteTurn): Promise<void> | undefined {
    if (this.#line.count === 0 && this.#sliceBytes < WRITE_SLICE_BYTES) {
      this.#go(sizeBytes);
      return undefined;
    }
    return new Promise((go) => {
      this.#line.push({ tenant, cost: sizeBytes, weight }, { sizeBytes, go });
    });
  }

  /** For a scan that was cut short: never at once, and alone in its turn. */
  again({ tenant, weight }: WriteTurn): Promise<void> {
    const sizeBytes = WRITE_SLICE_BYTES;
    return new Promise((go) => {
      this.#line.push({ tenant, cost: sizeBytes, weight }, { sizeBytes, go });
      this.#go(0);
    });
  }

  #go(sizeBytes: number): void {
    this.#sliceBytes += sizeBytes;
    if (this.#isSliceOpen) return;
    this.#isSliceOpen = true;
    this.#nextTurn(() => this.#openSlice());
  }

  #openSlice(): void {
    this.#isSliceOpen = false;
    this.#sliceBytes = 0;
    while (this.#sliceBytes < WRITE_SLICE_BYTES) {
      const next = this.#line.shift();
      if (next === undefined) return;
      this.#go(next.sizeBytes);
      next.go();
    }
  }
}
