// The elements of a snappy block, 16 bytes a step. src/codec/snappy.ts is the reference, gives the same
// bytes, and says what is wrong where this answers false. Nothing is kept between calls. The caller
// leaves 64 bytes behind the input that may be read and 64 behind the output that may be written: short
// runs are copied in pieces of one size, because a loop that ends early costs a wrong guess of the
// processor, and what was copied too much is overwritten by the next element.

/** Copies up to 64 bytes from at least 16 bytes before `to` or from elsewhere, front to back. */
function copyShort(to: usize, from: usize, length: usize): void {
  v128.store(to, v128.load(from));
  v128.store(to, v128.load(from, 16), 16);
  if (length > 32) {
    v128.store(to, v128.load(from, 32), 32);
    v128.store(to, v128.load(from, 48), 48);
  }
}

/** Decodes [source, end) into `sizeBytes` at `out`; false where the block is damaged. */
export function decode(source: usize, end: usize, out: usize, sizeBytes: usize): bool {
  const outEnd = out + sizeBytes;
  let from = source;
  let to = out;
  while (from < end) {
    const tag: u32 = load<u8>(from++);
    const type = tag & 3;
    if (type == 0) {
      let length: usize = (tag >> 2) + 1;
      if (length > 60) {
        const extra = length - 60;
        if (extra > end - from) return false;
        length = load<u32>(from) & (0xffffffff >>> (32 - 8 * <u32>extra));
        from += extra;
        if (length >= end - from) return false;
        length++;
      }
      if (length > end - from || length > outEnd - to) return false;
      if (length <= 64) copyShort(to, from, length);
      else memory.copy(to, from, length);
      from += length;
      to += length;
      continue;
    }
    let length: usize = (tag >> 2) + 1;
    let offset: usize;
    if (type == 1) {
      if (from >= end) return false;
      length = ((tag >> 2) & 7) + 4;
      offset = ((tag & 0xe0) << 3) | <u32>load<u8>(from++);
    } else if (type == 2) {
      if (end - from < 2) return false;
      offset = load<u16>(from);
      from += 2;
    } else {
      if (end - from < 4) return false;
      offset = load<u32>(from);
      from += 4;
    }
    if (offset == 0 || offset > to - out || length > outEnd - to) return false;
    const past = to - offset;
    if (offset >= 16) copyShort(to, past, length);
    else if (offset >= 8)
      for (let i: usize = 0; i < length; i += 8) store<u64>(to + i, load<u64>(past + i));
    else for (let i: usize = 0; i < length; i++) store<u8>(to + i, load<u8>(past + i));
    to += length;
  }
  return to == outEnd;
}
