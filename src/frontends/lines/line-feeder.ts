// Pieces of a byte stream → bodies of whole lines, one at a time: while one is being written the
// next is gathered, so that slow writes make large bodies and not a long line of small ones. Knows
// no socket: the owner stops pushing when `heldBytes` is too much.
//
// Where the stream was cut into pieces makes no difference to the lines that come out. Of a line
// that is too long the first `lineBytesMax` bytes are told, and what follows them up to the next
// line break is left out, even where that does not end the line: so a quote that is never closed
// costs a bounded part of the stream. Pieces are no longer than a line may be, see limits.ts.
import { must } from '../../stdx/assert.ts';
import { BodyMemory } from '../http/body-memory.ts';
import type { LineEnds, LineRules } from './line-session.ts';

const LF = 10;

export interface LineFeederOptions {
  /**
   * Gets the lines [0, end), each with its line break; the memory is used anew when it resolves.
   * Must not reject.
   */
  readonly take: (body: Uint8Array, end: number) => Promise<void>;
  /** Told what there is of each line that does not come whole. */
  readonly onRefused: (reason: RefusedLine, start: Uint8Array) => void;
  readonly rules: LineRules;
}

export type RefusedLine = 'too long' | 'unfinished';

/** Bodies are written one after the other in each feeder, and most are of one size. */
const memory = new BodyMemory();

export class LineFeeder {
  readonly #options: LineFeederOptions;
  readonly #ends: LineEnds;
  /**
   * What was pushed: whole lines, then the one that has not ended yet. Pieces are copied at once,
   * so that the buffers which sockets read into die young; undefined where there is nothing.
   */
  #gathered: Uint8Array | undefined = undefined;
  #sizeBytes = 0;
  /** Of the last body: the next one is about as large. */
  #usualBytes = 0;
  /** Behind the last line break. */
  #wholeEnd = 0;
  /** The rest of the line is thrown away. */
  #isSkipping = false;
  #running: Promise<void> | undefined = undefined;

  constructor(options: LineFeederOptions) {
    this.#options = options;
    this.#ends = options.rules.ends();
  }

  /** Whole lines that wait. */
  get heldBytes(): number {
    return this.#wholeEnd;
  }

  /** Bytes behind the last line break. */
  get openBytes(): number {
    return this.#sizeBytes - this.#wholeEnd;
  }

  get isWriting(): boolean {
    return this.#running !== undefined;
  }

  /** Copies a piece. */
  push(piece: Uint8Array): void {
    let rest: Uint8Array | undefined = this.#isSkipping ? this.#behindLineBreak(piece, 0) : piece;
    while (rest !== undefined) rest = this.#pushLines(rest);
    this.#run();
  }

  /** Resolves when all whole lines so far are written. */
  async settled(): Promise<void> {
    await this.#running;
  }

  /** Copies `piece`, or what is in front of a line that is too long: what follows that line. */
  #pushLines(piece: Uint8Array): Uint8Array | undefined {
    const { openBytes } = this;
    const { lineBytesMax } = this.#options.rules;
    this.#ends.take(piece);
    const { first, last } = this.#ends;
    const lineBytes = openBytes + (first === 0 ? piece.length : first - 1);
    if (lineBytes > lineBytesMax) {
      const kept = lineBytesMax - openBytes;
      this.#append(piece.subarray(0, kept));
      this.#refuseOpen('too long');
      return this.#behindLineBreak(piece, kept);
    }
    if (last > 0) this.#wholeEnd = this.#sizeBytes + last;
    this.#append(piece);
    return undefined;
  }

  /** What follows the next line break at or behind `from`; skips all where there is none. */
  #behindLineBreak(piece: Uint8Array, from: number): Uint8Array | undefined {
    this.#ends.restart();
    const at = piece.indexOf(LF, from);
    this.#isSkipping = at < 0;
    return at < 0 ? undefined : piece.subarray(at + 1);
  }

  /** The line that has not ended never will: it is told and forgotten. */
  endOpen(): void {
    if (this.openBytes > 0) this.#refuseOpen('unfinished');
    this.#ends.restart();
  }

  /** The line that has not ended is as good as too long. */
  skipOpen(): void {
    this.#refuseOpen('too long');
    this.#isSkipping = true;
  }

  /** Tells of the open line and forgets it. */
  #refuseOpen(reason: RefusedLine): void {
    const start = must(this.#gathered, 'an open line').slice(this.#wholeEnd, this.#sizeBytes);
    this.#sizeBytes = this.#wholeEnd;
    if (this.#sizeBytes === 0) this.#release();
    this.#options.onRefused(reason, start);
  }

  #release(): void {
    if (this.#gathered !== undefined) memory.give(this.#gathered);
    this.#gathered = undefined;
  }

  #append(piece: Uint8Array): void {
    if (piece.length === 0) return;
    const sizeBytes = this.#sizeBytes + piece.length;
    let gathered = this.#gathered;
    if (gathered === undefined || gathered.length < sizeBytes) {
      const larger = memory.take(sizeBytes, Math.max(sizeBytes, this.#usualBytes));
      if (gathered !== undefined) {
        larger.set(gathered.subarray(0, this.#sizeBytes));
        memory.give(gathered);
      }
      this.#gathered = gathered = larger;
    }
    gathered.set(piece, this.#sizeBytes);
    this.#sizeBytes = sizeBytes;
  }

  #run(): void {
    if (this.#running !== undefined || this.#wholeEnd === 0) return;
    this.#running = this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    while (this.#wholeEnd > 0) {
      const body = must(this.#gathered, 'whole lines');
      const end = this.#wholeEnd;
      const open = body.subarray(end, this.#sizeBytes);
      this.#gathered = undefined;
      this.#sizeBytes = 0;
      this.#wholeEnd = 0;
      this.#usualBytes = end;
      this.#append(open);
      await this.#options.take(body, end);
      memory.give(body);
    }
    // In the same turn in which nothing was left, so that the next piece starts anew.
    this.#running = undefined;
  }
}
