// What a scan of a message tells, whatever its version.
import { ProtobufError } from '../../codec/protobuf.ts';
import type { ScanResult } from '../../model/rows.ts';
import type { ScanErrors } from '../scan-errors.ts';

export interface WriteRequestResult extends ScanResult {
  /** Why the message is no message of its version; undefined where it is one. */
  readonly corrupt: string | undefined;
  readonly sampleCount: number;
  readonly histogramCount: number;
  readonly exemplarCount: number;
}

interface ScanCounts {
  readonly rowCount: number;
  readonly sampleCount: number;
  readonly histogramCount: number;
  readonly exemplarCount: number;
  readonly errors: ScanErrors;
}

/** Why the message is not wire format; undefined where the scan came to its end. */
export function corruptionOf(version: string, run: () => void): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (!(error instanceof ProtobufError)) throw error;
    return `not a remote-write ${version} message: ${error.message}`;
  }
}

export function resultOf(counts: ScanCounts, corrupt: string | undefined): WriteRequestResult {
  const { rowCount, sampleCount, histogramCount, exemplarCount, errors } = counts;
  return {
    rowCount,
    pointCount: sampleCount + histogramCount,
    errorCount: errors.count + (corrupt === undefined ? 0 : 1),
    errors: corrupt === undefined ? errors.list : [{ line: 0, column: -1, reason: corrupt }],
    corrupt,
    sampleCount,
    histogramCount,
    exemplarCount,
  };
}
