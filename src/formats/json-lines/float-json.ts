// Doubles of JSON lines: numbers, the words for what JSON cannot write, and a NaN's 64 bits as
// `NaN:` and 16 hexadecimal digits.

const scratch = new Float64Array(1);
const scratchWords = new Int32Array(scratch.buffer);

const PAYLOAD = /^NaN:([0-9a-f]{8})([0-9a-f]{8})$/;
const NAN_BITS_HIGH = 0x7ff80000;

/** The number a word stands for, undefined where it is none; NaN payloads lose theirs. */
function wordValue(word: string): number | undefined {
  if (word === 'Infinity' || word === '+Infinity' || word === 'Inf' || word === '+Inf')
    return Number.POSITIVE_INFINITY;
  if (word === '-Infinity' || word === '-Inf') return Number.NEGATIVE_INFINITY;
  return word === 'NaN' ? Number.NaN : undefined;
}

/** Writes the 64 bits of a JSON value into slot `i` of `words`; false where it is no double. */
export function writeFloat(value: unknown, words: Int32Array, i: number): boolean {
  if (typeof value === 'string') {
    const payload = PAYLOAD.exec(value);
    if (payload !== null) {
      const high = Number.parseInt(payload[1]!, 16) | 0;
      const low = Number.parseInt(payload[2]!, 16) | 0;
      words[i * 2] = low;
      words[i * 2 + 1] = high;
      const isNaNBits = (high & 0x7ff00000) === 0x7ff00000 && ((high & 0xfffff) !== 0 || low !== 0);
      return isNaNBits;
    }
  }
  const number = value === null ? Number.NaN : floatOf(value);
  if (number === undefined) return false;
  if (Number.isNaN(number)) {
    words[i * 2] = 0;
    words[i * 2 + 1] = NAN_BITS_HIGH;
    return true;
  }
  scratch[0] = number;
  words[i * 2] = scratchWords[0]!;
  words[i * 2 + 1] = scratchWords[1]!;
  return true;
}

/** A double outside of a column; undefined where the JSON value is none. */
export function floatOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') return undefined;
  const payload = PAYLOAD.exec(value);
  if (payload === null) return wordValue(value);
  const words = new Int32Array(2);
  if (!writeFloat(value, words, 0)) return undefined;
  return new Float64Array(words.buffer)[0]!;
}
