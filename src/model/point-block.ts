// A fixed run of points in columns on the way from a scanner to its sink: scanners write into these
// arrays directly and hand them over when they are full, so that a sample costs a few stores and no
// call. Kinds are those of a fixed width (f64, i64, u64, boolean as the double 0 or 1). The order
// of the points is the client's; who writes to the sink by other means flushes first.
import { assert } from '../stdx/assert.ts';
import { KIND } from './columns.ts';
import type { PointRun, RowSink } from './rows.ts';

/** Points of a block; all its columns together stay inside a first-level cache. */
export const BLOCK_POINTS = 1024;

export class PointBlock implements PointRun {
  /** Points that are complete; slots behind it are the scanner's scratch. */
  count = 0;
  readonly refs: Uint32Array;
  readonly kinds: Uint8Array;
  readonly tUs: Float64Array;
  readonly subNs: Uint16Array;
  /** 64 bits a point; `words` is the same memory as low and high halves. */
  readonly values: Float64Array;
  readonly words: Int32Array;
  /** Set by scanners whose points may have start times, together with every point's slot of it. */
  startUs: Float64Array | undefined = undefined;

  /** Times and values stand where somebody else writes them, or have memory of their own. */
  constructor(tUs = new Float64Array(BLOCK_POINTS), values = new Float64Array(BLOCK_POINTS)) {
    const { length } = tUs;
    this.refs = new Uint32Array(length);
    this.kinds = new Uint8Array(length);
    this.tUs = tUs;
    this.subNs = new Uint16Array(length);
    this.values = values;
    this.words = new Int32Array(values.buffer, values.byteOffset, length * 2);
  }

  /** Gives all points to the sink and starts anew. */
  flush(sink: RowSink): void {
    if (this.count === 0) return;
    if (sink.block !== undefined) sink.block(this);
    else this.#eachInto(sink);
    this.count = 0;
  }

  /** A float or a signed integer with a start time. */
  #startedInto(sink: RowSink, index: number): void {
    const end = index + 1;
    const common = {
      count: 1,
      refs: this.refs.slice(index, end),
      rows: undefined,
      tUs: this.tUs.slice(index, end),
      subNs: this.subNs.slice(index, end),
      startUs: this.startUs?.slice(index, end),
      position: undefined,
    };
    const kind = this.kinds[index]!;
    const values = this.values.slice(index, end);
    if (kind === KIND.f64) return sink.points({ ...common, kind: KIND.f64, values });
    assert(kind === KIND.i64, 'only floats and signed integers have start times in a block');
    sink.points({ ...common, kind: KIND.i64, values: new BigInt64Array(values.buffer) });
  }

  #eachInto(sink: RowSink): void {
    const { count, refs, kinds, tUs, subNs, values, words } = this;
    for (let i = 0; i < count; i++) {
      const ref = refs[i]!;
      const low = words[i * 2]!;
      const high = words[i * 2 + 1]!;
      const kind = kinds[i]!;
      const startUs = this.startUs?.[i] ?? Number.NaN;
      if (!Number.isNaN(startUs)) this.#startedInto(sink, i);
      else if (kind === KIND.f64) sink.f64Bits(ref, tUs[i]!, subNs[i]!, low, high);
      else if (kind === KIND.i64) sink.i64(ref, tUs[i]!, subNs[i]!, low, high);
      else if (kind === KIND.u64) sink.u64(ref, tUs[i]!, subNs[i]!, low, high);
      else {
        assert(kind === KIND.boolean, 'a block holds kinds of fixed width');
        sink.boolean(ref, tUs[i]!, subNs[i]!, values[i] !== 0);
      }
    }
  }
}
