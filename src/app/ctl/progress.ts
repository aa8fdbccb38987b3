// Progress of long work: one line that is drawn over itself on a terminal, a line for every tenth
// in a pipe (every few seconds where the end is not known), nothing with --json. Goes to the error
// stream: results have the other one.
import { printable } from './draw.ts';
import type { Terminal } from './terminal.ts';

const BAR_WIDTH = 24;
const DRAW_INTERVAL_MS = 100;
const LINE_INTERVAL_MS = 5000;
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `12.3 MiB`. */
export function sizeText(sizeBytes: number): string {
  let unit = 0;
  let scaled = sizeBytes;
  while (scaled >= 1024 && unit < UNITS.length - 1) {
    scaled /= 1024;
    unit++;
  }
  return unit === 0 ? `${sizeBytes} B` : `${scaled.toFixed(1)} ${UNITS[unit]}`;
}

export interface ProgressOptions {
  /** What is being done: `copying`. */
  readonly verb: string;
  /** undefined: not known. */
  readonly totalBytes: number | undefined;
  readonly isQuiet: boolean;
}

export class Progress {
  readonly #terminal: Terminal;
  readonly #options: ProgressOptions;
  #doneBytes = 0;
  #tenths = 0;
  #drawnMs = 0;
  readonly #startedMs = Date.now();
  #lineMs = Date.now();
  #what = '';

  constructor(terminal: Terminal, options: ProgressOptions) {
    this.#terminal = terminal;
    this.#options = options;
  }

  /** `what`: the file that is being worked on. */
  add(sizeBytes: number, what: string): void {
    this.#doneBytes += sizeBytes;
    this.#what = what;
    if (this.#options.isQuiet) return;
    if (!this.#terminal.isTerminal) return this.#line();
    const nowMs = Date.now();
    if (nowMs - this.#drawnMs < DRAW_INTERVAL_MS) return;
    this.#drawnMs = nowMs;
    this.#draw();
  }

  get #ratio(): number {
    const { totalBytes } = this.#options;
    if (totalBytes === undefined) return 0;
    return totalBytes === 0 ? 1 : Math.min(1, this.#doneBytes / totalBytes);
  }

  #amount(): string {
    const { verb, totalBytes } = this.#options;
    const seconds = (Date.now() - this.#startedMs) / 1000;
    const rate = seconds < 1 ? '' : `  ${sizeText(Math.round(this.#doneBytes / seconds))}/s`;
    if (totalBytes === undefined) return `${verb} ${sizeText(this.#doneBytes)}${rate}`;
    const percent = String(Math.floor(this.#ratio * 100)).padStart(3);
    return `${verb} ${percent} %  ${sizeText(this.#doneBytes)} of ${sizeText(totalBytes)}${rate}`;
  }

  #line(): void {
    if (this.#options.totalBytes === undefined) {
      if (Date.now() - this.#lineMs < LINE_INTERVAL_MS) return;
      this.#lineMs = Date.now();
    } else {
      const tenths = Math.floor(this.#ratio * 10);
      if (tenths <= this.#tenths) return;
      this.#tenths = tenths;
    }
    this.#terminal.err(`${this.#amount()}\n`);
  }

  #draw(): void {
    const full = Math.round(this.#ratio * BAR_WIDTH);
    const isKnown = this.#options.totalBytes !== undefined;
    const bar = isKnown ? `${'█'.repeat(full)}${'░'.repeat(BAR_WIDTH - full)} ` : '';
    const text = `${this.#amount()}  ${printable(this.#what)}`;
    this.#terminal.err(`\r\u001b[K${bar}${text.slice(0, this.#terminal.columns - bar.length - 1)}`);
  }

  /** Takes the line off the terminal. */
  end(): void {
    if (this.#terminal.isTerminal && !this.#options.isQuiet) this.#terminal.err('\r\u001b[K');
  }
}
