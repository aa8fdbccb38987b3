// Pieces of a byte stream → bodies of whole lines, one at a time: while one is being written the
// next is gathered, so that slow writes make large bodies and not a long line of small ones. Knows
// no socket: the owner stops pushing when `heldBytes` is too much.
//
// Where the stream was cut into pieces makes no difference to the lines that come out. A line
// longer than LINE_BYTES_MAX is left out and told; pieces are at most that long, see limits.ts.
import { BodyMemory } from '../http/body-memory.ts';
import { LINE_BYTES_MAX } from './limits.ts';

const LF = 10;

export interface LineFeederOptions {
  /**
   * Gets the lines [0, end), each with its line break; the memory is used anew when it resolves.
   * Must not reject.
   */
  readonly take: (body: Uint8Array, end: number) => Promise<void>;
  /** Told the start of each line that was too long. */
  readonly onTooLong: (start: Uint8Array) => void;
}

/** Bodies are written one after the other in each feeder, and most are of one size. */
const memory = new BodyMemory();

export class LineFeeder {
  readonly #options: LineFeederOptions;
  /** Whole lines. */
  #done: Uint8Array[] = [];
  #doneBytes = 0;
  /** The line that has not ended yet. */
  #open: Uint8Array[] = [];
  #openBytes = 0;
  /** The rest of the line is thrown away. */
  #isSkipping = false;
  #running: Promise<void> | undefined = undefined;

  constructor(options: LineFeederOptions) {
    this.#options = options;
  }

  /** Whole lines that wait. */
  get heldBytes(): number {
    return this.#doneBytes;
  }

  /** Bytes behind the last line break. */
  get openBytes(): number {
    return this.#openBytes;
  }

  get isWriting(): boolean {
    return this.#running !== undefined;
  }

  /** Takes a piece over. */
  push(piece: Uint8Array): void {
    const rest = this.#isSkipping ? this.#behindSkipped(piece) : piece;
    const last = rest.lastIndexOf(LF);
    if (last < 0) this.#pushOpen(rest);
    else {
      this.#endLines(rest, last + 1);
      if (last + 1 < rest.length) this.#pushOpen(rest.subarray(last + 1));
    }
    this.#run();
  }

  /** Resolves when all whole lines so far are written. */
  async settled(): Promise<void> {
    await this.#running;
  }

  #behindSkipped(piece: Uint8Array): Uint8Array {
    const at = piece.indexOf(LF);
    if (at < 0) return piece.subarray(piece.length);
    this.#isSkipping = false;
    return piece.subarray(at + 1);
  }

  #pushOpen(piece: Uint8Array): void {
    if (piece.length === 0) return;
    this.#open.push(piece);
    this.#openBytes += piece.length;
    if (this.#openBytes <= LINE_BYTES_MAX) return;
    this.#dropOpen();
    this.#isSkipping = true;
  }

  #dropOpen(): void {
    const start = this.#open[0]!;
    this.#open = [];
    this.#openBytes = 0;
    this.#options.onTooLong(start);
  }

  /** The open line ends in `piece`, whose whole lines end at `end`. */
  #endLines(piece: Uint8Array, end: number): void {
    let start = 0;
    if (this.#openBytes + end > LINE_BYTES_MAX) {
      const first = piece.indexOf(LF);
      if (this.#openBytes + first > LINE_BYTES_MAX) {
        this.#dropOpen();
        start = first + 1;
      }
    }
    for (const open of this.#open) this.#done.push(open);
    this.#doneBytes += this.#openBytes;
    this.#open = [];
    this.#openBytes = 0;
    if (start === end) return;
    this.#done.push(piece.subarray(start, end));
    this.#doneBytes += end - start;
  }

  #run(): void {
    if (this.#running !== undefined || this.#doneBytes === 0) return;
    this.#running = this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    while (this.#doneBytes > 0) {
      const pieces = this.#done;
      const end = this.#doneBytes;
      this.#done = [];
      this.#doneBytes = 0;
      if (pieces.length === 1) await this.#options.take(pieces[0]!, end);
      else {
        const body = memory.take(end);
        let at = 0;
        for (const piece of pieces) {
          body.set(piece, at);
          at += piece.length;
        }
        await this.#options.take(body, end);
        memory.give(body);
      }
    }
    // In the same turn in which nothing was left, so that the next piece starts anew.
    this.#running = undefined;
  }
}
