// What an import tells: refused rows as they come, the first of them in full, and the sums at the
// end.
import { printable } from './draw.ts';
import { sizeText } from './progress.ts';
import type { Terminal } from './terminal.ts';

/** Refused rows in the JSON summary. */
const LISTED_MAX = 1000;

export interface RefusedRow {
  readonly file: string;
  /** From 1; 0 where it is not known. */
  readonly line: number;
  readonly reason: string;
}

export class ImportReport {
  files = 0;
  requests = 0;
  retries = 0;
  samples = 0;
  refusedRows = 0;
  /** Unpacked. */
  sizeBytes = 0;
  readonly #terminal: Terminal;
  readonly #shownMax: number;
  readonly #isJson: boolean;
  readonly #listed: RefusedRow[] = [];
  readonly #startedMs = performance.now();

  constructor(
    terminal: Terminal,
    options: { readonly shownMax: number; readonly isJson: boolean },
  ) {
    this.#terminal = terminal;
    this.#shownMax = options.shownMax;
    this.#isJson = options.isJson;
  }

  /** `count` rows were refused, and these are known. */
  refuse(count: number, rows: readonly RefusedRow[]): void {
    this.refusedRows += count;
    for (const row of rows) {
      if (this.#listed.length >= Math.min(this.#shownMax, LISTED_MAX)) return;
      this.#listed.push(row);
      if (!this.#isJson) this.note(`${place(row)}: ${row.reason}`);
    }
  }

  /** A line for people, in place of the progress. */
  note(text: string): void {
    if (this.#isJson) return;
    const clear = this.#terminal.isTerminal ? '\r\u001b[K' : '';
    this.#terminal.err(`${clear}${printable(text)}\n`);
  }

  end(): void {
    const { files, requests, retries, samples, refusedRows, sizeBytes } = this;
    const durationMs = Math.round(performance.now() - this.#startedMs);
    if (this.#isJson) {
      const sums = { files, requests, retries, samples, refusedRows, sizeBytes, durationMs };
      this.#terminal.out(`${JSON.stringify({ ...sums, refused: this.#listed })}\n`);
      return;
    }
    const more = refusedRows - this.#listed.length;
    if (more > 0) this.note(`… and ${more} more refused rows`);
    const perSecond = Math.round(samples / Math.max(durationMs / 1000, 0.001));
    this.#terminal.out(
      `${samples} samples from ${files} ${files === 1 ? 'file' : 'files'} ` +
        `(${sizeText(sizeBytes)}) in ${(durationMs / 1000).toFixed(1)} s, ` +
        `${perSecond} samples/s, ${refusedRows} rows refused\n`,
    );
  }
}

function place({ file, line }: RefusedRow): string {
  return line === 0 ? file : `${file}:${line}`;
}
