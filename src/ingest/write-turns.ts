// Whose body is scanned next. Bodies that arrive together would be scanned in the order of their
// arrival, all of them before anything else is looked at; here so many bytes of them are scanned in
// one turn of the event loop, and of those that wait tenants take turns. A write that meets no
// other is scanned at once.
import type { TenantId } from '../model/tenant.ts';
import { TurnLine } from '../tenancy/turn-line.ts';
import { WRITE_SLICE_BYTES, WRITE_TURN_BYTES } from './limits.ts';

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

/** Runs a task in the next turn of the event loop, behind what has arrived until then. */
export type NextTurn = (task: () => void) => void;

export class WriteTurns {
  readonly #nextTurn: NextTurn;
  readonly #line = new TurnLine<Waiter>(WRITE_TURN_BYTES);
  /** Of bodies that went in this turn of the event loop. */
  #sliceBytes = 0;
  #isSliceOpen = false;

  constructor(nextTurn: NextTurn) {
    this.#nextTurn = nextTurn;
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
