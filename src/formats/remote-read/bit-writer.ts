// Bits, the highest first, as Prometheus' chunks hold them. Source: Prometheus
// tsdb/chunkenc/{bstream,varbit,xor}.go.

const TWO_32 = 4_294_967_296;

/** Bits of a value below the marker in front of it, for numbers of variable length. */
const VARBIT_SIZES = [3, 6, 9, 12, 18, 25, 56];

export class BitWriter {
  #bytes = new Uint8Array(256);
  #size = 0;
  /** Bits of the last byte that are still free. */
  #free = 0;

  /** A copy of what was written; the last byte is filled with zeros. */
  take(): Uint8Array {
    return this.#bytes.slice(0, this.#size);
  }

  reset(): void {
    this.#size = 0;
    this.#free = 0;
  }

  /** Overwrites a byte that was written whole. */
  set(at: number, byte: number): void {
    this.#bytes[at] = byte;
  }

  /** The lowest `count` bits of a value, at most 32. */
  bits(value: number, count: number): void {
    let left = count;
    while (left > 0) {
      if (this.#free === 0) this.#grow();
      const take = Math.min(this.#free, left);
      const part = (value >>> (left - take)) & ((1 << take) - 1);
      this.#free -= take;
      left -= take;
      this.#bytes[this.#size - 1]! |= part << this.#free;
    }
  }

  #grow(): void {
    if (this.#size === this.#bytes.length) {
      const longer = new Uint8Array(this.#size * 2);
      longer.set(this.#bytes);
      this.#bytes = longer;
    }
    this.#bytes[this.#size++] = 0;
    this.#free = 8;
  }

  /** The lowest `count` bits of two halves, more than 32 of them. */
  wide(high: number, low: number, count: number): void {
    this.bits(high, count - 32);
    this.bits(low, 32);
  }

  /** A byte at any bit. */
  byte(value: number): void {
    this.bits(value, 8);
  }

  double(value: number): void {
    scratch[0] = value;
    this.wide(words[1]!, words[0]!, 64);
  }

  /** A whole number in two's complement: short where it is small. */
  varbitInt(value: number): void {
    if (value === 0) return this.bits(0, 1);
    const low = (value - Math.floor(value / TWO_32) * TWO_32) >>> 0;
    const high = Math.floor(value / TWO_32);
    this.#varbit(high, low, (size) => value > -(2 ** (size - 1)) && value <= 2 ** (size - 1));
  }

  /** The same of a number that is not negative. */
  varbitUint(value: number): void {
    if (value === 0) return this.bits(0, 1);
    const high = Math.floor(value / TWO_32);
    this.#varbit(high, value >>> 0, (size) => value < 2 ** size);
  }

  #varbit(high: number, low: number, fits: (size: number) => boolean): void {
    const index = VARBIT_SIZES.findIndex(fits);
    const marker = index < 0 ? 0xff : (2 << (index + 1)) - 2;
    const size = index < 0 ? 64 : VARBIT_SIZES[index]!;
    this.bits(marker, index < 0 ? 8 : index + 2);
    if (size <= 32) this.bits(low, size);
    else this.wide(high, low, size);
  }
}

const scratch = new Float64Array(1);
const words = new Int32Array(scratch.buffer);

/** A sequence of doubles as the bits in which each differs from the one before. */
export class XorSeries {
  #low = 0;
  #high = 0;
  /** Zeros in front and behind of the last difference that said so; -1: none yet. */
  #leading = -1;
  #trailing = 0;

  /** The first one, written whole. */
  first(out: BitWriter, low: number, high: number): void {
    this.#low = low;
    this.#high = high;
    out.wide(high, low, 64);
  }

  next(out: BitWriter, low: number, high: number): void {
    const xorLow = low ^ this.#low;
    const xorHigh = high ^ this.#high;
    this.#low = low;
    this.#high = high;
    if (xorLow === 0 && xorHigh === 0) return out.bits(0, 1);
    const leading = Math.min(xorHigh === 0 ? 32 + Math.clz32(xorLow) : Math.clz32(xorHigh), 31);
    const trailing = xorLow === 0 ? 32 + trailingZeros(xorHigh) : trailingZeros(xorLow);
    if (this.#leading >= 0 && leading >= this.#leading && trailing >= this.#trailing)
      out.bits(0b10, 2);
    else {
      this.#leading = leading;
      this.#trailing = trailing;
      out.bits(0b11, 2);
      out.bits(leading, 5);
      // All 64 do not fit into six bits and are written as none.
      out.bits((64 - leading - trailing) & 63, 6);
    }
    const size = 64 - this.#leading - this.#trailing;
    const shift = this.#trailing;
    const shiftedLow =
      shift >= 32
        ? xorHigh >>> (shift - 32)
        : shift === 0
          ? xorLow
          : (xorLow >>> shift) | (xorHigh << (32 - shift));
    if (size <= 32) out.bits(shiftedLow, size);
    else out.wide(shift >= 32 ? 0 : xorHigh >>> shift, shiftedLow, size);
  }
}

function trailingZeros(word: number): number {
  return 31 - Math.clz32(word & -word);
}
