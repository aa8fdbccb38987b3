// What a log may hold after a death, kept beside the run that writes it.
import type { Log } from '../../src/log/log.ts';

export class LogHistory {
  readonly violations: string[] = [];
  /** Everything appended in the current past; cut where a restart has shown the end. */
  readonly #records = new Map<number, Uint8Array>();
  /** Every record below was acknowledged, or seen after a restart. */
  #durableOffset = 0;
  #acknowledgedLast = -1;
  /** The start is at least this, and at most what a trim was asked for. */
  #startMin = 0;
  #startMax = 0;

  appended(offset: number, bytes: Uint8Array): void {
    if (offset !== this.#records.size) {
      this.violations.push(`append got offset ${offset}, ${this.#records.size} was due`);
    }
    this.#records.set(offset, bytes.slice());
  }

  durable(offset: number): void {
    if (offset <= this.#acknowledgedLast) {
      this.violations.push(`record ${offset} became durable after ${this.#acknowledgedLast}`);
    }
    this.#acknowledgedLast = offset;
    this.#durableOffset = Math.max(this.#durableOffset, offset + 1);
  }

  trimming(target: number): void {
    this.#startMax = Math.max(this.#startMax, target);
  }

  trimmed(startOffset: number): void {
    this.#startMin = Math.max(this.#startMin, startOffset);
  }

  checkRecord(offset: number, bytes: Uint8Array): void {
    const expected = this.#records.get(offset);
    if (expected === undefined) this.violations.push(`record ${offset} was never appended`);
    else if (Buffer.compare(bytes, expected) !== 0) {
      this.violations.push(`record ${offset} has changed`);
    }
  }

  /** Compares a freshly opened log; from now on exactly what it shows is the past. */
  check(log: Log, found: ReadonlyMap<number, Uint8Array>): void {
    const { startOffset, endOffset } = log;
    const { violations } = this;
    if (log.damage.length > 0) violations.push(`damage: ${JSON.stringify(log.damage)}`);
    if (startOffset < this.#startMin || startOffset > this.#startMax) {
      violations.push(`start ${startOffset}, not in ${this.#startMin}…${this.#startMax}`);
    }
    if (endOffset < this.#durableOffset) {
      violations.push(`end ${endOffset} is below the durable ${this.#durableOffset}`);
    }
    if (log.durableOffset !== endOffset) violations.push('what is read at start is not durable');
    let due = startOffset;
    for (const [offset, bytes] of found) {
      if (offset !== due) violations.push(`record ${offset} where ${due} was due`);
      due = offset + 1;
      this.checkRecord(offset, bytes);
    }
    if (due !== endOffset) violations.push(`reading ended at ${due}, not at ${endOffset}`);
    for (const offset of this.#records.keys())
      if (offset >= endOffset) this.#records.delete(offset);
    this.#durableOffset = endOffset;
    this.#acknowledgedLast = endOffset - 1;
    this.#startMin = startOffset;
    this.#startMax = Math.max(startOffset, 0);
  }
}
