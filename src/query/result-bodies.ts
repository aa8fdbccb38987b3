// Answers as they were sent, kept with the result that they show: who asks the same again before
// anything is written gets the same bytes, and nothing is printed or compressed anew.
import type { EvalResult } from '../promql/engine/result.ts';

export interface ResultWithBodies extends EvalResult {
  readonly bodies: ResultBodies;
}

/** Compressed bodies by the name of their coding. */
export class ResultBodies {
  readonly sizeBytesMax: number;
  readonly #byCoding = new Map<string, Uint8Array>();
  readonly #onBytes: (sizeBytes: number) => void;

  /** `onBytes` is told of each body's memory. */
  constructor(sizeBytesMax: number, onBytes: (sizeBytes: number) => void) {
    this.sizeBytesMax = sizeBytesMax;
    this.#onBytes = onBytes;
  }

  of(coding: string): Uint8Array | undefined {
    return this.#byCoding.get(coding);
  }

  keep(coding: string, body: Uint8Array): void {
    if (this.#byCoding.has(coding) || body.length > this.sizeBytesMax) return;
    this.#byCoding.set(coding, body);
    this.#onBytes(body.length);
  }
}
