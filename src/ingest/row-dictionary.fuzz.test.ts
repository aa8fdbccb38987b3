// The dictionary against plain maps: predictions, growth and its bound never change an answer.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Labels } from '../model/labels.ts';
import { ROW_UNKNOWN } from '../model/rows.ts';
import type { StorageWriter } from '../model/storage.ts';
import type { DictionaryBounds } from './row-dictionary.ts';
import { ProfileDictionary } from './row-dictionary.ts';
import { DEFAULT_LABEL_LIMITS } from './series-admission.ts';

/** Every label set gets the next number. */
function countingStorage(): StorageWriter {
  const refs = new Map<string, number>();
  const resolve = (_tenant: string, labels: Labels): number => {
    const key = JSON.stringify(labels);
    const ref = refs.get(key) ?? refs.size;
    refs.set(key, ref);
    return ref;
  };
  return { resolve, splitOf: () => undefined } as unknown as StorageWriter;
}

function dictionary(bounds?: DictionaryBounds): ProfileDictionary {
  const storage = countingStorage();
  const context = { storage, tenant: 't', forcedLabels: [], limits: DEFAULT_LABEL_LIMITS };
  return new ProfileDictionary(context, 42, bounds);
}

type Row = readonly [first: string, second: string];

/** Looks rows up in one body and adds what is unknown; returns the refs. */
function lookUp(cache: ProfileDictionary, rows: readonly Row[]): number[] {
  const body = Buffer.from(rows.map(([first, second]) => first + second).join(''), 'latin1');
  let at = 0;
  cache.begin();
  const refs = rows.map(([first, second]) => {
    const middle = at + first.length;
    const end = middle + second.length;
    let ref = cache.find(body, at, middle, middle, end);
    if (ref === ROW_UNKNOWN) {
      const key = { bytes: body, start: at, end: middle, start2: middle, end2: end };
      ref = cache.add(key, ['__name__', `${first}\u0001${second}`], undefined);
      const again = cache.find(body, at, middle, middle, end);
      assert.ok(again === ref || again === ROW_UNKNOWN);
    }
    at = end;
    return ref;
  });
  cache.release();
  return refs;
}

const piece = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 4 }),
  fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 17, maxLength: 18 }),
);
const bodies = fc.array(fc.array(fc.tuple(piece, piece), { maxLength: 30 }), { maxLength: 6 });

test('equal bytes give equal refs and different bytes different ones, in any order', () => {
  fc.assert(
    fc.property(bodies, (list) => {
      const cache = dictionary();
      const seen = new Map<string, number>();
      const owners = new Map<number, string>();
      for (const rows of list)
        for (const [i, ref] of lookUp(cache, rows).entries()) {
          const name = rows[i]!.join('\u0001');
          assert.equal(seen.get(name) ?? ref, ref);
          assert.equal(owners.get(ref) ?? name, name);
          seen.set(name, ref);
          owners.set(ref, name);
        }
    }),
    { numRuns: 200 },
  );
});

test('beyond its bound it forgets everything and stays right', () => {
  const cache = dictionary({ bytesMax: 1 << 20, cellsMax: 100 });
  const rows = Array.from({ length: 250 }, (_, i): Row => [`row${i}`, `f${i % 3}`]);
  const first = lookUp(cache, rows);
  assert.equal(cache.cellCount, 100);
  assert.deepEqual(lookUp(cache, rows), first);
  assert.equal(cache.cellCount, 100);
  const bytes = cache.sizeBytes;
  for (let i = 0; i < 20; i++) lookUp(cache, rows);
  assert.ok(cache.sizeBytes <= bytes * 2);
});

test('many rows and cells grow without losing any', () => {
  const cache = dictionary();
  const rows = Array.from({ length: 5000 }, (_, i): Row => [`row,host=${i >> 3}`, `field${i & 7}`]);
  const refs = lookUp(cache, rows);
  assert.equal(new Set(refs).size, rows.length);
  assert.deepEqual(lookUp(cache, rows), refs);
  assert.deepEqual(lookUp(cache, rows.toReversed()), refs.toReversed());
});
