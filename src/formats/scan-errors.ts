// Collects what a scanner refused: counts everything, describes the first SCAN_ERRORS_MAX, and
// knows the line of a byte offset without counting lines on the hit path.
import { decodeUtf8Lenient } from '../codec/utf8.ts';
import type { RowError } from '../model/rows.ts';
import { QUOTED_LINE_BYTES_MAX, SCAN_ERRORS_MAX } from './limits.ts';

export class ScanErrors {
  count = 0;
  readonly list: RowError[] = [];

  /** True while another description would be kept: callers build sentences only then. */
  get wanted(): boolean {
    return this.list.length < SCAN_ERRORS_MAX;
  }

  add(line: number, column: number, reason: string): void {
    this.count++;
    if (this.wanted) this.list.push({ line, column, reason });
  }

  /** Counts without a description; for rows whose reason was not built. */
  addUndescribed(): void {
    this.count++;
  }
}

/** Line numbers of increasing byte offsets; each byte is looked at once. */
export class LineCounter {
  readonly #bytes: Uint8Array;
  #at = 0;
  #line = 1;
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** 1-based line of `offset`, which must not be below that of the call before. */
  lineAt(offset: number): number {
    for (; this.#at < offset; this.#at++) if (this.#bytes[this.#at] === 10) this.#line++;
    return this.#line;
  }
}

/** A line for a message: cut at QUOTED_LINE_BYTES_MAX, without its line break. */
export function quoteLine(bytes: Uint8Array, start: number, end: number): string {
  let stop = end;
  if (stop > start && bytes[stop - 1] === 10) stop--;
  if (stop > start && bytes[stop - 1] === 13) stop--;
  if (stop - start <= QUOTED_LINE_BYTES_MAX) return decodeUtf8Lenient(bytes, start, stop);
  return `${decodeUtf8Lenient(bytes, start, start + QUOTED_LINE_BYTES_MAX)}…`;
}
