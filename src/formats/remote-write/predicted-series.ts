// The fast half of the remote-write scanner: series whose label section repeats what the dictionary
// predicts, with nothing but samples in the form that every sender writes:
//
//   0a LENGTH labels { 12 SIZE [09 value] 10 TIME }     TIME of six bytes: the years 1971 to 2109
//
// Whatever differs is left, untouched, to the general scanner (write-request.ts), which gives the
// same points for what is taken here. Why equal bytes suffice: the remembered bytes are whole
// fields, and the byte behind them starts a sample.
import type { PointBlock } from '../../model/point-block.ts';
import { BLOCK_POINTS } from '../../model/point-block.ts';
import { KIND } from '../../model/columns.ts';
import type { RowPredictor, RowSink } from '../../model/rows.ts';
import { isSixByteVarint, sixByteVarint, TIME_BYTES } from './six-byte-varint.ts';

const SERIES_TAG = 0x0a;
const LABEL_TAG = 0x0a;
const SAMPLE_TAG = 0x12;
const VALUE_TAG = 0x09;
const TIME_TAG = 0x10;

export interface PredictedSeries {
  readonly body: Uint8Array;
  /** Over the same memory as `body`. */
  readonly view: DataView;
  readonly end: number;
  readonly predictor: RowPredictor;
  readonly block: PointBlock;
  readonly sink: RowSink;
  /** Series taken by the last call. */
  rowCount: number;
  /** Samples put into the block by the last call. */
  sampleCount: number;
}

/** End of the short labels at `start`, in front of a sample; -1 where no such section stands. */
function labelsEnd(body: Uint8Array, start: number, stop: number): number {
  let i = start;
  while (i + 1 < stop && body[i] === LABEL_TAG) {
    const length = body[i + 1]!;
    if (length >= 128) return -1;
    i += 2 + length;
  }
  return i > start && i < stop && body[i] === SAMPLE_TAG ? i : -1;
}

/** Takes series from `start` on; the position of the first field to be read by the book. */
// oxlint-disable-next-line max-lines-per-function -- one state machine; its state lives in locals
export function takePredictedSeries(series: PredictedSeries, start: number): number {
  const { body, view, end, predictor, block, sink } = series;
  const { refs, kinds, tUs, subNs, words } = block;
  let base = block.count;
  let at = start;
  let rowCount = 0;
  let sampleCount = 0;
  let memoLow = 0;
  let memoHigh = -1;
  let memoUs = 0;
  message: while (at + 2 < end && body[at] === SERIES_TAG) {
    let i = at + 1;
    let length = body[i++]!;
    if (length >= 128) {
      const more = body[i++]!;
      if (more >= 128) break;
      length = (length & 127) | (more << 7);
    }
    const stop = i + length;
    if (stop > end) break;
    const labelsStart = i;
    i = predictor.nextRow(i, stop, SAMPLE_TAG);
    if (i < 0) {
      i = labelsEnd(body, labelsStart, stop);
      if (i < 0 || !predictor.seekRow(labelsStart, i)) break;
    }
    const ref = predictor.cellAt(i, i);
    if (ref < 0) break;
    let point = base;
    while (i < stop) {
      // A sample is at least its tag, its size, the tag and the bytes of its time.
      if (i + 3 + TIME_BYTES > stop || body[i] !== SAMPLE_TAG) break message;
      const sampleEnd = i + 2 + body[i + 1]!;
      if (sampleEnd > stop) break message;
      if (point === BLOCK_POINTS) {
        if (base === 0) break message;
        block.flush(sink);
        refs.copyWithin(0, base, point);
        tUs.copyWithin(0, base, point);
        words.copyWithin(0, base * 2, point * 2);
        point -= base;
        base = 0;
      }
      let low = 0;
      let high = 0;
      i += 2;
      // A value of zero is not written.
      if (body[i] === VALUE_TAG) {
        if (i + 10 + TIME_BYTES > stop) break message;
        low = view.getInt32(i + 1, true);
        high = view.getInt32(i + 5, true);
        i += 9;
      }
      if (body[i] !== TIME_TAG || i + 1 + TIME_BYTES !== sampleEnd) break message;
      const timeLow = view.getInt32(i + 1, true);
      const timeHigh = view.getUint16(i + 5, true);
      if (timeLow !== memoLow || timeHigh !== memoHigh) {
        if (!isSixByteVarint(timeLow, timeHigh)) break message;
        memoLow = timeLow;
        memoHigh = timeHigh;
        memoUs = sixByteVarint(timeLow, timeHigh) * 1000;
      }
      refs[point] = ref;
      tUs[point] = memoUs;
      words[point * 2] = low;
      words[point * 2 + 1] = high;
      point++;
      i = sampleEnd;
    }
    for (let slot = base; slot < point; slot++) {
      kinds[slot] = KIND.f64;
      subNs[slot] = 0;
    }
    rowCount++;
    sampleCount += point - base;
    base = point;
    block.count = point;
    at = stop;
  }
  if (at < end) predictor.rewind();
  series.rowCount = rowCount;
  series.sampleCount = sampleCount;
  return at;
}
