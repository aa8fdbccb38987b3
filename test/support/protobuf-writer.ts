// Writes Protocol Buffers for tests, so that decoders are tested against bytes that no code of
// theirs made. Messages are byte arrays; fields are concatenated.

export function varintBytes(value: number | bigint): number[] {
  let rest = BigInt.asUintN(64, BigInt(value));
  const out: number[] = [];
  while (rest >= 128n) {
    out.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  out.push(Number(rest));
  return out;
}

export function zigzag(value: number | bigint): number[] {
  const wide = BigInt(value);
  return varintBytes((wide << 1n) ^ (wide >> 63n));
}

export function bytesField(field: number, content: Iterable<number> | string): number[] {
  const bytes = typeof content === 'string' ? [...new TextEncoder().encode(content)] : [...content];
  return [...varintBytes((field << 3) | 2), ...varintBytes(bytes.length), ...bytes];
}

export function varintField(field: number, value: number | bigint): number[] {
  return [...varintBytes(field << 3), ...varintBytes(value)];
}

export function zigzagField(field: number, value: number | bigint): number[] {
  return [...varintBytes(field << 3), ...zigzag(value)];
}

/** A double, or its 64 bits. */
export function doubleField(field: number, value: number | bigint): number[] {
  return [...varintBytes((field << 3) | 1), ...doubleBytes(value)];
}

export function doubleBytes(value: number | bigint): number[] {
  const view = new DataView(new ArrayBuffer(8));
  if (typeof value === 'bigint') view.setBigUint64(0, value, true);
  else view.setFloat64(0, value, true);
  return [...new Uint8Array(view.buffer)];
}
