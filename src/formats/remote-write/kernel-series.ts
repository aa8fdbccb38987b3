// The fastest half of the remote-write scanner: rows and samples as the kernel made them of a
// body (kernels/remote-write.ts), refs from the dictionary. What it leaves is read by the general
// scanner (write-request.ts), which gives the same points for what is taken here.
import type { RowPredictor, RowSink } from '../../model/rows.ts';
import {
  HASHED_ROW_END,
  HASHED_ROW_POINTS_END,
  HASHED_ROW_START,
  HASHED_ROW_STRIDE,
} from '../../model/rows.ts';
import { REF_REFUSED } from '../../model/storage.ts';
import type { WriteKernel } from './write-kernel.ts';

export interface KernelSeries {
  readonly kernel: WriteKernel;
  /** Address of the body in the kernel's memory. */
  readonly address: number;
  readonly end: number;
  readonly seed: number;
  readonly predictor: RowPredictor;
  readonly sink: RowSink;
  /**
   * Ref of the labels in [start, end), which the predictor does not know, or a negative number: the
   * series was refused, and that was noted.
   */
  readonly resolve: (start: number, end: number) => number;
  /** Series taken so far. */
  rowCount: number;
  /** Samples given to the sink so far. */
  sampleCount: number;
}

/**
 * Takes series from `start` on; the position of the first field to be read by the book. Passes on
 * what `resolve` throws, with all series before given to the sink.
 */
export function takeKernelSeries(series: KernelSeries, start: number): number {
  const { kernel, address, end, seed } = series;
  let at = start;
  do {
    at = kernel.walk(address, at, end, seed);
    try {
      resolveRows(series);
    } finally {
      giveSamples(series);
    }
  } while (kernel.isFull);
  return at;
}

/** A ref for each row, negative where there is none. */
function resolveRows(series: KernelSeries): void {
  const { rows } = series.kernel;
  const { count, words, refs } = rows;
  const { predictor } = series;
  const before = series.rowCount;
  // What is not reached, because a row throws, has none.
  refs.fill(REF_REFUSED, 0, count);
  for (let row = predictor.followRows(rows, 0); row < count;) {
    const at = row * HASHED_ROW_STRIDE;
    series.rowCount = before + row + 1;
    refs[row] = series.resolve(words[at + HASHED_ROW_START]!, words[at + HASHED_ROW_END]!);
    row = predictor.followRows(rows, row + 1);
  }
  series.rowCount = before + count;
}

/** The samples of the rows to the sink, without those of refused series. */
function giveSamples(series: KernelSeries): void {
  const { kernel, sink } = series;
  const { block } = kernel;
  block.count = keptSamples(kernel);
  series.sampleCount += block.count;
  block.flush(sink);
}

/**
 * Fills the refs of the samples and moves these together; how many are kept. A function of its own:
 * the engine compiles a loop that it is in the midst of, and what stands behind it and has not run
 * yet makes it give up again.
 */
function keptSamples({ block, rows }: WriteKernel): number {
  const { count, words, refs } = rows;
  const sampleRefs = block.refs;
  let from = 0;
  let to = 0;
  for (let row = 0; row < count; row++) {
    const ref = refs[row]!;
    const pointsEnd = words[row * HASHED_ROW_STRIDE + HASHED_ROW_POINTS_END]!;
    if (ref < 0) {
      from = pointsEnd;
      continue;
    }
    if (from !== to) {
      block.tUs.copyWithin(to, from, pointsEnd);
      block.words.copyWithin(to * 2, from * 2, pointsEnd * 2);
    }
    const end = to + pointsEnd - from;
    while (to < end) sampleRefs[to++] = ref;
    from = pointsEnd;
  }
  return to;
}
