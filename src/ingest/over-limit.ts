// A write of which nothing was kept because the tenant may have no more series: the same request
// may succeed later, so it is refused as one that is over its limit, not as one that is wrong.
import { AppError } from '../model/errors.ts';
import type { LimitFacts } from '../model/errors.ts';
import type { ScanResult } from '../model/rows.ts';
import type { RefusedRows } from './refusal-reasons.ts';

export interface RefusedWrite {
  readonly scan: ScanResult;
  readonly refused: RefusedRows;
  /** The first one that refused a series; undefined: not known here yet. */
  readonly limit: LimitFacts | undefined;
  readonly retryAfterSec: number;
}

/** undefined: a row was refused for another reason, or none was. */
export function seriesOverLimit(write: RefusedWrite): AppError | undefined {
  const { scan, refused, limit, retryAfterSec } = write;
  if (refused.size !== 1 || !refused.has('series-limit')) return undefined;
  const [first] = scan.errors;
  const why = first === undefined ? '' : `: ${first.reason}`;
  const message = `nothing of this write was kept, ${scan.errorCount} of ${scan.rowCount} rows were refused${why}`;
  return new AppError('limited', limit?.id ?? 'series-limit', message, { retryAfterSec, limit });
}
