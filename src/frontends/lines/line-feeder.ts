// Pieces of a byte stream → bodies of whole lines, one at a time: while one is being written the
// next is gathered, so that slow writes make large bodies and not a long line of small ones. Knows
// no socket: the owner stops pushing when `heldBytes` is too much.
//
// Where the stream was cut into pieces makes no difference to the lines that come out. A line
// longer than LINE_BYTES_MAX is left out and told; pieces are at most that long, see limits.ts.
import { must } from '../../stdx/assert.ts';
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
  /**
   * What was pushed: whole lines, then the one that has not ended yet. Pieces are copied at once,
   * so that the buffers which sockets read into die young; undefined where there is nothing.
   */
  #gathered: Uint8Array | undefined = undefined;
  #sizeBytes = 0;
  /** Behind the last line break. */
  #wholeEnd = 0;
  /** The rest of the line is thrown away. */
  #isSkipping = false;
  #running: Promise<void> | undefined = undefined;

  constructor(options: LineFeederOptions) {
    this.#options = options;
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
    const rest = this.#behindTooLong(this.#isSkipping ? this.#behindSkipped(piece) : piece);
    const last = rest.lastIndexOf(LF);
    const before = this.#sizeBytes;
    this.#append(rest);
    if (last >= 0) this.#wholeEnd = before + last + 1;
    if (this.openBytes > LINE_BYTES_MAX) {
      this.#dropOpen();
      this.#isSkipping = true;
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

  /** Drops the open line if it ends in `piece` and is too long; what follows it. */
  #behindTooLong(piece: Uint8Array): Uint8Array {
    const { openBytes } = this;
    if (openBytes + piece.length <= LINE_BYTES_MAX) return piece;
    const first = piece.indexOf(LF);
    if (first < 0 || openBytes + first <= LINE_BYTES_MAX) return piece;
    if (openBytes > 0) this.#dropOpen();
    else this.#options.onTooLong(piece);
    return piece.subarray(first + 1);
  }

  #dropOpen(): void {
    const start = must(this.#gathered, 'an open line').slice(this.#wholeEnd, this.#sizeBytes);
    this.#sizeBytes = this.#wholeEnd;
    this.#options.onTooLong(start);
  }

  #append(piece: Uint8Array): void {
    if (piece.length === 0) return;
    const sizeBytes = this.#sizeBytes + piece.length;
    let gathered = this.#gathered;
    if (gathered === undefined || gathered.length < sizeBytes) {
      const larger = memory.take(sizeBytes);
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
      this.#append(open);
      await this.#options.take(body, end);
      memory.give(body);
    }
    // In the same turn in which nothing was left, so that the next piece starts anew.
    this.#running = undefined;
  }
}
