// The labels of one series as they stand in a body: byte ranges, nothing decoded. Series that
// follow each other share most of their labels; `push` compares each label with the one at the same
// place of the series before, so that nobody behind it looks at equal bytes twice.
//
// Positions are those of the body given to `open`, which stays unchanged until `close`.

const LABELS_FIRST = 16;
/** Numbers of a label in `ranges`. */
export const RANGE_STRIDE = 4;
const NO_BYTES = new Uint8Array(0);

/** What a label has in common with the one at the same place of the series before. */
export const SAME = { nothing: 0, name: 1, all: 2 } as const;

export class LabelBytes {
  bytes: Uint8Array = NO_BYTES;
  /** Over the same memory. */
  view: DataView = new DataView(NO_BYTES.buffer);
  count = 0;
  /** Per label: start and end of the name, start and end of the value. */
  ranges = new Int32Array(LABELS_FIRST * RANGE_STRIDE);
  /** Per label one of SAME, true for the series whose `serial` is one less. */
  same = new Uint8Array(LABELS_FIRST);
  /** Counts series; never repeats. */
  serial = 0;
  #before = new Int32Array(LABELS_FIRST * RANGE_STRIDE);
  #countBefore = 0;

  open(bytes: Uint8Array, view: DataView): void {
    this.bytes = bytes;
    this.view = view;
    this.count = 0;
    this.#countBefore = 0;
    this.serial++;
  }

  /** Lets go of the body. */
  close(): void {
    this.open(NO_BYTES, new DataView(NO_BYTES.buffer));
  }

  /** Begins the next series; the labels so far are those of the series before. */
  next(): void {
    const ranges = this.#before;
    this.#before = this.ranges;
    this.#countBefore = this.count;
    this.ranges = ranges;
    this.count = 0;
    this.serial++;
  }

  push(nameStart: number, nameEnd: number, valueStart: number, valueEnd: number): void {
    const index = this.count++;
    const at = index * RANGE_STRIDE;
    if (at === this.ranges.length) this.#grow();
    const { ranges } = this;
    ranges[at] = nameStart;
    ranges[at + 1] = nameEnd;
    ranges[at + 2] = valueStart;
    ranges[at + 3] = valueEnd;
    if (index >= this.#countBefore) {
      this.same[index] = SAME.nothing;
      return;
    }
    const before = this.#before;
    const { view } = this;
    if (!isEqual(view, before[at]!, before[at + 1]!, nameStart, nameEnd))
      this.same[index] = SAME.nothing;
    else
      this.same[index] = isEqual(view, before[at + 2]!, before[at + 3]!, valueStart, valueEnd)
        ? SAME.all
        : SAME.name;
  }

  #grow(): void {
    const longer = (array: Int32Array): Int32Array<ArrayBuffer> => {
      const out = new Int32Array(this.same.length * 2 * RANGE_STRIDE);
      out.set(array);
      return out;
    };
    this.ranges = longer(this.ranges);
    this.#before = longer(this.#before);
    const same = new Uint8Array(this.same.length * 2);
    same.set(this.same);
    this.same = same;
  }
}

/** Are the bytes of two ranges equal? */
function isEqual(view: DataView, a: number, aEnd: number, b: number, bEnd: number): boolean {
  if (aEnd - a !== bEnd - b) return false;
  let left = a;
  let right = b;
  for (; left + 4 <= aEnd; left += 4, right += 4)
    if (view.getInt32(left, true) !== view.getInt32(right, true)) return false;
  for (; left < aEnd; left++, right++)
    if (view.getUint8(left) !== view.getUint8(right)) return false;
  return true;
}
