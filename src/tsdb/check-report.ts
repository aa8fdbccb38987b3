// What a check of a data folder says: findings with file, place, loss and advice, a bounded number
// for each file, and sums.
import { fileErrorCode } from '../stdx/files.ts';
import { CHECK_FINDINGS_MAX, CHECK_FINDINGS_PER_FILE_MAX } from './limits.ts';

/** Points that cannot be read any more, as far as what is readable tells. */
export interface Loss {
  readonly tenant?: string;
  /** One series, where it is known which. */
  readonly series?: string;
  readonly seriesCount?: number;
  readonly pointCount?: number;
  readonly recordCount?: number;
  /** Times of the points, inclusive. */
  readonly minUs?: number;
  readonly maxUs?: number;
}

export interface Finding {
  /** `damage`: something stored is lost or not as it was written; `warning`: worth knowing. */
  readonly severity: 'damage' | 'warning';
  /** Stable, kebab-case. */
  readonly code: string;
  readonly file: string;
  /** In bytes, where a place is known. */
  readonly offset?: number;
  readonly what: string;
  readonly lost?: Loss;
  readonly advice: string;
}

export const ADVICE = {
  restore: 'restore a backup; the server goes on with what is readable',
  restoreAll: 'restore a backup: the server does not start on this folder',
  nothing: 'nothing to do',
  newer: 'use the version that wrote it',
} as const;

/** Codes of a file that cannot be read, where others can; what to do about it. */
const UNREADABLE: Readonly<Record<string, string>> = {
  EIO: 'check the disk; then restore a backup',
  EACCES: 'give the user of this process permission to read it, then check again',
  EPERM: 'give the user of this process permission to read it, then check again',
  EISDIR: ADVICE.restoreAll,
};

/** What to do where one file could not be read; undefined: it is not that. */
export function unreadableAdvice(error: unknown): string | undefined {
  return UNREADABLE[fileErrorCode(error) ?? ''];
}

export interface CheckSums {
  fileCount: number;
  checkedBytes: number;
  partCount: number;
  seriesCount: number;
  blockCount: number;
  sampleCount: number;
  recordCount: number;
  damageCount: number;
  warningCount: number;
}

export class CheckReport {
  readonly sums: CheckSums = {
    fileCount: 0,
    checkedBytes: 0,
    partCount: 0,
    seriesCount: 0,
    blockCount: 0,
    sampleCount: 0,
    recordCount: 0,
    damageCount: 0,
    warningCount: 0,
  };
  /** Of files with findings: how many were told, how many were not. */
  readonly #perFile = new Map<string, { told: number; untold: number }>();
  #told = 0;
  /** Findings of files that are not in the map any more because it is full. */
  #untoldElsewhere = 0;
  readonly #tell: (finding: Finding) => void;
  readonly #onBytes: (sizeBytes: number, file: string) => void;

  constructor(
    tell: (finding: Finding) => void,
    onBytes: (sizeBytes: number, file: string) => void,
  ) {
    this.#tell = tell;
    this.#onBytes = onBytes;
  }

  add(finding: Finding): void {
    if (finding.severity === 'damage') this.sums.damageCount++;
    else this.sums.warningCount++;
    let counts = this.#perFile.get(finding.file);
    if (counts === undefined) {
      if (this.#perFile.size === CHECK_FINDINGS_MAX) {
        this.#untoldElsewhere++;
        return;
      }
      counts = { told: 0, untold: 0 };
      this.#perFile.set(finding.file, counts);
    }
    if (counts.told === CHECK_FINDINGS_PER_FILE_MAX || this.#told === CHECK_FINDINGS_MAX) {
      counts.untold++;
      return;
    }
    counts.told++;
    this.#told++;
    this.#tell(finding);
  }

  damage(finding: Omit<Finding, 'severity'>): void {
    this.add({ severity: 'damage', ...finding });
  }

  warning(finding: Omit<Finding, 'severity'>): void {
    this.add({ severity: 'warning', ...finding });
  }

  progress(sizeBytes: number, file: string): void {
    this.sums.checkedBytes += sizeBytes;
    this.#onBytes(sizeBytes, file);
  }

  /** Files with more findings than were told, and how many more. */
  untold(): readonly { readonly file: string; readonly count: number }[] {
    const rows = [...this.#perFile].flatMap(([file, { untold }]) =>
      untold === 0 ? [] : [{ file, count: untold }],
    );
    const count = this.#untoldElsewhere;
    return count === 0 ? rows : [...rows, { file: 'other files', count }];
  }
}
