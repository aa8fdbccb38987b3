// Lengths in front of texts in an arena: LEB128 varints below 2^28.

export function lengthSize(length: number): number {
  return length < 0x80 ? 1 : length < 0x4000 ? 2 : length < 0x200000 ? 3 : 4;
}

export function lengthAt(arena: Uint8Array, at: number): number {
  let byte = arena[at]!;
  if (byte < 128) return byte;
  let length = byte & 127;
  for (let shift = 7; byte >= 128; shift += 7) {
    byte = arena[++at]!;
    length |= (byte & 127) << shift;
  }
  return length;
}

/** Returns where the text begins. */
export function writeLength(arena: Uint8Array, at: number, length: number): number {
  let rest = length;
  for (; rest >= 128; rest >>>= 7) arena[at++] = (rest & 127) | 128;
  arena[at++] = rest;
  return at;
}
