// Groups of 64-bit values of a log record (src/tsdb/record-values.ts, which is the reference and gives
// the same bytes). The memory is the kernel's own; nothing is kept between calls. Values are read and
// written 8 bytes at a time whatever they take: what is too much is written over by the next one, and
// behind the last one the memory goes on.

/** Places in the memory: the same as in src/tsdb/record-values-kernel.ts. */
const VALUES: usize = 65536;
const PACKED: usize = 131072;

/** Packs `count` values; bytes at PACKED. */
export function pack(count: i32, isDouble: bool, scale: f64): i32 {
  let at: usize = PACKED + ((count + 3) >> 2);
  let forms: u32 = 0;
  for (let i = 0; i < count; i++) {
    const word = load<i64>(VALUES + (i << 3));
    let n = <i64>(<i32>word);
    let isSame = n == word;
    if (isDouble) {
      const value = reinterpret<f64>(word);
      const scaled = value * scale;
      const whole = <i32>(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
      n = whole;
      // A zero below zero has a bit set.
      isSame = <f64>whole / scale == value && (whole != 0 || word == 0);
    }
    let form: u32 = 3;
    if (isSame) {
      form = <u32>((n << 56) >> 56 != n) + <u32>((n << 48) >> 48 != n);
      store<i64>(at, n);
    } else store<i64>(at, word);
    at += 1 << form;
    forms |= form << ((i & 3) << 1);
    if ((i & 3) == 3 || i == count - 1) {
      store<u8>(PACKED + (i >> 2), forms);
      forms = 0;
    }
  }
  return <i32>(at - PACKED);
}

/** Unpacks `count` values, whose bytes the caller has counted, to VALUES. */
export function unpack(count: i32, isDouble: bool, scale: f64): void {
  let at: usize = PACKED + ((count + 3) >> 2);
  for (let i = 0; i < count; i++) {
    const form = (<u32>load<u8>(PACKED + (i >> 2)) >> ((i & 3) << 1)) & 3;
    const unused = <i64>(64 - (8 << form));
    const n = (load<i64>(at) << unused) >> unused;
    at += 1 << form;
    if (isDouble && form != 3) store<f64>(VALUES + (i << 3), <f64>n / scale);
    else store<i64>(VALUES + (i << 3), n);
  }
}
