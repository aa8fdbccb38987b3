// The block decoder on hand-made blocks, on what must be refused, and against the encoder.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import * as fc from 'fast-check';
import { useSnappyKernel } from './snappy-kernel.ts';
import {
  SnappyError,
  decodeSnappy,
  encodeSnappy,
  snappyDecodedLength,
  snappyPieces,
} from './snappy.ts';

const LIMIT = 1 << 20;
const WASM = join(import.meta.dirname, '../../dist/wasm/snappy.wasm');

afterEach(() => useSnappyKernel(undefined));

function refuses(bytes: number[], problem: string, message: RegExp, limit = LIMIT): void {
  assert.throws(
    () => decodeSnappy(Uint8Array.from(bytes), limit),
    (error) =>
      error instanceof SnappyError && error.problem === problem && message.test(error.message),
  );
}

test('a block of every element kind decodes', () => {
  // Literal "abcd", copy-1 offset 4 length 4, copy-2 offset 8 length 3, copy-4 offset 1 length 5.
  const block = [16, 3 << 2, 97, 98, 99, 100, 1, 4, (2 << 2) | 2, 8, 0, (4 << 2) | 3, 1, 0, 0, 0];
  const text = new TextDecoder().decode(decodeSnappy(Uint8Array.from(block), LIMIT));
  assert.equal(text, 'abcdabcdabcccccc');
  assert.equal(snappyDecodedLength(Uint8Array.from(block)), 16);
  assert.deepEqual(decodeSnappy(Uint8Array.of(0), LIMIT), new Uint8Array(0));
});

test('literals with one and two bytes of length decode', () => {
  for (const size of [60, 61, 256, 257, 70_000]) {
    const input = Uint8Array.from({ length: size }, (_, i) => (i * i * 31 + (i >> 3)) & 255);
    assert.deepEqual(decodeSnappy(encodeSnappy(input), LIMIT), input);
  }
});

test('a block in pieces decodes, and no piece is of more than 64 KiB', () => {
  const input = Uint8Array.from({ length: 200_000 }, (_, i) => (i * i * 31 + (i >> 3)) & 255);
  const inputs = [input.subarray(0, 3), input.subarray(3, 3), input.subarray(3)];
  const pieces = [...snappyPieces(inputs)];
  assert.equal(pieces.length, 1 + 1 + 4);
  assert.deepEqual(decodeSnappy(Buffer.concat(pieces), LIMIT), input);
  assert.deepEqual(Buffer.concat(Array.from(snappyPieces([]))), Buffer.of(0));
});

test('a declared length is checked before anything else', () => {
  refuses([0x80, 0x80, 0x80, 0x80, 0x04], 'too-large', /declared length 1073741824 bytes exceeds/);
  refuses([0xff, 0xff, 0x3f], 'corrupt', /cannot come from 3 bytes/);
  refuses([0xff, 0xff, 0xff, 0xff, 0x7f], 'corrupt', /above 32 bits/);
  refuses([], 'corrupt', /truncated length/);
  refuses([0x80], 'corrupt', /truncated length/);
  refuses([5, 4 << 2, 1, 2, 3, 4, 5], 'too-large', /limit of 4 bytes/, 4);
});

test('malformed blocks are corrupt', () => {
  refuses([4, 3 << 2, 97], 'corrupt', /truncated literal/);
  refuses([4, 61 << 2, 1], 'corrupt', /truncated literal length/);
  refuses([2, 3 << 2, 97, 98, 99, 100], 'corrupt', /more data than declared/);
  refuses([8, 3 << 2, 97, 98, 99, 100], 'corrupt', /4 bytes decoded, 8 declared/);
  refuses([8, 3 << 2, 97, 98, 99, 100, 1], 'corrupt', /truncated copy/);
  refuses([8, 3 << 2, 97, 98, 99, 100, 1, 5], 'corrupt', /before the start/);
  refuses([8, 3 << 2, 97, 98, 99, 100, 1, 0], 'corrupt', /before the start/);
  refuses([6, 3 << 2, 97, 98, 99, 100, 1, 4], 'corrupt', /more data than declared/);
});

test('encode and decode are inverse; repetition shrinks', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.uint8Array({ maxLength: 40 }), fc.integer({ min: 1, max: 30 }))),
      (pieces) => {
        const bytes = pieces.flatMap(([piece, times]) =>
          Array.from({ length: times }, () => [...piece]).flat(),
        );
        const input = Uint8Array.from(bytes);
        assert.deepEqual(decodeSnappy(encodeSnappy(input), LIMIT), input);
      },
    ),
    { numRuns: 200 },
  );
  assert.ok(encodeSnappy(new Uint8Array(100_000)).length < 5000);
});

test('any bytes decode or throw SnappyError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (input) => {
      try {
        assert.ok(decodeSnappy(input, 4096).length <= 4096);
      } catch (error) {
        assert.ok(error instanceof SnappyError);
      }
    }),
    { numRuns: 2000 },
  );
});

/** A literal, or a copy of `length` bytes from `back` bytes ago (cut to what there is). */
type Element =
  | { readonly literal: Uint8Array }
  | { readonly back: number; readonly length: number };

const element: fc.Arbitrary<Element> = fc.oneof(
  fc.record({ literal: fc.uint8Array({ minLength: 1, maxLength: 140 }) }),
  fc.record({ back: fc.integer({ min: 1, max: 20 }), length: fc.integer({ min: 1, max: 64 }) }),
  fc.record({ back: fc.integer({ min: 1, max: 3000 }), length: fc.integer({ min: 1, max: 64 }) }),
);

/** The block of these elements and what it means, byte by byte. */
function written(elements: readonly Element[], wide: boolean): { block: number[]; text: number[] } {
  const block: number[] = [];
  const text: number[] = [];
  for (const one of elements) {
    if ('literal' in one) {
      const code = one.literal.length - 1;
      block.push(...(code < 60 ? [code << 2] : [60 << 2, code]), ...one.literal);
      text.push(...one.literal);
      continue;
    }
    const back = Math.min(one.back, text.length);
    if (back === 0) continue;
    if (wide) block.push(((one.length - 1) << 2) | 3, back & 255, back >> 8, 0, 0);
    else if (one.length >= 4 && one.length <= 11 && back < 2048)
      block.push(((back >> 8) << 5) | ((one.length - 4) << 2) | 1, back & 255);
    else block.push(((one.length - 1) << 2) | 2, back & 255, back >> 8);
    for (let i = 0; i < one.length; i++) text.push(text[text.length - back]!);
  }
  return { block: [(text.length & 127) | 128, text.length >> 7, ...block], text };
}

test('every element means what a copy byte by byte would give', () => {
  fc.assert(
    fc.property(fc.array(element, { maxLength: 60 }), fc.boolean(), (elements, wide) => {
      const { block, text } = written(elements, wide);
      fc.pre(text.length >= 128 && text.length < 16_384 && text.length <= block.length * 30);
      assert.deepEqual([...decodeSnappy(Uint8Array.from(block), LIMIT)], text);
      // In front of other bytes, and without its last one.
      const padded = Uint8Array.from([...block, ...Array.from({ length: 64 }, () => 255)]);
      assert.deepEqual([...decodeSnappy(padded.subarray(0, block.length), LIMIT)], text);
      assert.throws(() => decodeSnappy(padded.subarray(0, block.length - 1), LIMIT), SnappyError);
    }),
    { numRuns: 300 },
  );
});

/** What both decoders say to a block: its text, or the error. */
function outcomes(block: Uint8Array): string[] {
  const module = new WebAssembly.Module(readFileSync(WASM));
  return [undefined, () => module].map((kernel) => {
    useSnappyKernel(kernel);
    try {
      return Buffer.from(decodeSnappy(block, LIMIT)).toString('latin1');
    } catch (error) {
      assert.ok(error instanceof SnappyError);
      return `${error.problem}: ${error.message}`;
    }
  });
}

test('the kernel gives the bytes and errors of the reference, whole, damaged or cut', () => {
  const damage = fc.option(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })));
  const elements = fc.array(element, { minLength: 30, maxLength: 90 });
  fc.assert(
    fc.property(elements, fc.boolean(), damage, fc.nat({ max: 40 }), (list, wide, harm, cut) => {
      const { block, text } = written(list, wide);
      fc.pre(text.length >= 1024 && text.length < 16_384 && text.length <= block.length * 20);
      const bytes = Uint8Array.from(block);
      if (harm !== null) bytes[2 + (harm[0] % (bytes.length - 2))] = harm[1];
      const [reference, kernel] = outcomes(bytes.subarray(0, bytes.length - (cut % 20)));
      assert.equal(kernel, reference);
      if (harm === null && cut % 20 === 0)
        assert.equal(kernel, Buffer.from(text).toString('latin1'));
    }),
    { numRuns: 300 },
  );
});

test('blocks beyond the memory of the kernel go through the reference', () => {
  const input = new Uint8Array(9_000_000);
  for (let i = 0; i < input.length; i += 7) input[i] = i >> 9;
  const block = encodeSnappy(input);
  useSnappyKernel(() => new WebAssembly.Module(readFileSync(WASM)));
  assert.ok(Buffer.from(input).equals(decodeSnappy(block, 1 << 24)));
});
