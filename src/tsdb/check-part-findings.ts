// Findings of one part: what a reader of the part throws becomes a finding, and the check goes on.
import { CodecError } from '../codec/varint.ts';
import { AppError } from '../model/errors.ts';
import { errorMessage } from '../stdx/assert.ts';
import { ADVICE } from './check-report.ts';
import type { CheckReport, Loss } from './check-report.ts';

export interface PlacedLoss {
  readonly code: string;
  readonly offset: number;
  readonly lost?: Loss;
}

export class PartFindings {
  readonly report: CheckReport;
  readonly #file: string;
  readonly #name: string;
  /** Something could not be read since this was last set: sums cannot be compared. */
  isBroken = false;

  constructor(report: CheckReport, file: string, name: string) {
    this.report = report;
    this.#file = file;
    this.#name = name;
  }

  damage({ code, offset, lost }: PlacedLoss, what: string): void {
    this.isBroken = true;
    const finding = { code, file: this.#file, offset, what, advice: ADVICE.restore };
    this.report.damage(lost === undefined ? finding : { ...finding, lost });
  }

  /** Runs `read`; damage becomes a finding, and the answer undefined. */
  async attempt<T>(where: PlacedLoss, read: () => Promise<T> | T): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      const isDamage =
        error instanceof CodecError || (error instanceof AppError && error.kind === 'corrupt');
      if (!isDamage) throw error;
      // Messages of the reader start with the part's name, which the finding has already.
      const message = errorMessage(error);
      const start = `${this.#name}: `;
      this.damage(where, message.startsWith(start) ? message.slice(start.length) : message);
      return undefined;
    }
  }

  progress(sizeBytes: number): void {
    this.report.progress(sizeBytes, this.#file);
  }
}

/** Times as a loss says them: absent where there are none. */
export function timesOf(minUs: number, maxUs: number): Pick<Loss, 'minUs' | 'maxUs'> {
  return Number.isFinite(minUs) && minUs <= maxUs ? { minUs, maxUs } : {};
}
