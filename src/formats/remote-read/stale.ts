// The 64 bits of a histogram's sum. A staleness marker is a signaling NaN, and compiled code may
// make any NaN quiet on its way through a double: both forms are taken for the marker, and written
// as the signaling one. Source: Prometheus model/value/value.go.
import type { Histogram } from '../../model/histogram.ts';

const STALE_LOW = 2;
const STALE_HIGH = 0x7ff00000;
const QUIET_BIT = 0x80000;

const scratch = new Float64Array(1);
const words = new Int32Array(scratch.buffer);

/** Low and high half; borrowed until the next call. */
export function sumWords({ sum }: Pick<Histogram, 'sum'>): Int32Array {
  scratch[0] = sum;
  if (words[0] === STALE_LOW && (words[1]! & ~QUIET_BIT) === STALE_HIGH) words[1] = STALE_HIGH;
  return words;
}

export function isStaleHistogram(histogram: Pick<Histogram, 'sum'>): boolean {
  const [low, high] = sumWords(histogram);
  return low === STALE_LOW && high === STALE_HIGH;
}
