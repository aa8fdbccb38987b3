// A table of remembered series is a map from digests to seconds, whatever comes and goes; a capture
// of its words is the table again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { SeenTable } from './seen-table.ts';

/** Few and with small words, so that they meet in homes and in parts. */
const digest = fc
  .tuple(fc.constantFrom(0, 1, 2, -1, 0x7fffffff), fc.nat(3), fc.nat(3))
  .map((words) => Int32Array.from(words));
const steps = fc.array(
  fc.record({
    kind: fc.constantFrom('put', 'put', 'put', 'take', 'trim', 'again'),
    digest,
    second: fc.integer({ min: 1, max: 50 }),
  }),
  { maxLength: 150 },
);

test('a table of remembered series is a map', () => {
  fc.assert(
    fc.property(steps, (list) => {
      let table = new SeenTable();
      let model = new Map<string, number>();
      const seen = new Map<string, Int32Array>();
      for (const { kind, digest: words, second } of list) {
        // What is all zero stands as this one.
        const key = words.some((word) => word !== 0) ? words.join() : '1,0,0';
        seen.set(key, words);
        if (kind === 'put') {
          table.put(words, second);
          model.set(key, Math.max(second, model.get(key) ?? 0));
        } else if (kind === 'take') {
          assert.equal(table.take(words), model.get(key) ?? 0);
          model.delete(key);
        } else if (kind === 'trim') {
          table.trim(second);
          model = new Map([...model].filter(([, one]) => one > second));
        } else table = new SeenTable(table.words.slice());
        assert.equal(table.liveCount, model.size);
        assert.ok(table.places === 0 || table.isProbeable);
        for (const [one, of] of seen) assert.equal(table.secondOf(of), model.get(one) ?? 0);
      }
    }),
    { numRuns: 300 },
  );
});

test('what it takes: at most 43 bytes a series, 22 where it is known how many come, then nothing', () => {
  const count = 10_000;
  const words = (n: number): Int32Array => Int32Array.of(Math.imul(n, 0x9e3779b1), n, 7);
  const grown = new SeenTable();
  const reserved = new SeenTable();
  reserved.reserve(count);
  for (let n = 0; n < count; n++) for (const one of [grown, reserved]) one.put(words(n), 1 + n);
  assert.ok(grown.sizeBytes <= count * 43, `${grown.sizeBytes} bytes`);
  assert.ok(reserved.sizeBytes <= count * 22, `${reserved.sizeBytes} bytes`);
  grown.trim(count - 10);
  assert.equal(grown.liveCount, 10);
  assert.ok(grown.sizeBytes < 1000);
  grown.trim(count);
  assert.equal(grown.sizeBytes, 0);
});
