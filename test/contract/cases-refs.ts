// Refs: labels and their bytes lead to one series, whatever came before in the same body.
import assert from 'node:assert/strict';
import { BatchBuilder } from '../../src/model/batch-builder.ts';
import { labelsFromObject } from '../../src/model/labels.ts';
import type { Labels } from '../../src/model/labels.ts';
import { asLabelBytes } from '../support/label-bytes.ts';
import { appendOptions } from './contexts.ts';
import { checkRows, point } from './rows.ts';
import type { StorageCase } from './storage-case.ts';

/** Neighbours share nothing, all, the first, the last and names with other values. */
const SETS: readonly Labels[] = [
  { __name__: 'm', a: '1', b: 'long enough for several words' },
  { __name__: 'm', a: '1', b: 'long enough for several words' },
  { __name__: 'm', a: '2', b: 'long enough for several words' },
  { __name__: 'm', a: '2', b: 'long enough for several wordz' },
  { __name__: 'm', a: '2' },
  { __name__: 'm', b: '2' },
  { __name__: 'é', b: '2', ü: '\u{1f600}' },
  { a: '__name__', b: 'a' },
  { __name__: 'm', a: '1', b: 'long enough for several words' },
].map(labelsFromObject);

export const refCases: readonly StorageCase[] = [
  {
    name: 'labels and their bytes are one series',
    steps: [
      async (s) => {
        const known = new Map<number, string>();
        let i = 0;
        for (const bytes of asLabelBytes(SETS)) {
          const set = SETS[i++]!;
          const ref = s.resolveBytes('default', bytes);
          assert.equal(known.get(ref) ?? JSON.stringify(set), JSON.stringify(set));
          known.set(ref, JSON.stringify(set));
          // Other calls between two series of a body change nothing.
          if (i % 2 === 0) s.resolveBytes('other', bytes);
          if (i % 3 === 0) assert.equal(s.resolve('default', set), ref);
        }
        assert.equal(known.size, SETS.length - 2);
        for (const ref of known.keys()) {
          assert.ok(s.knows('default', ref));
          assert.ok(!s.knows('nobody', ref));
        }
        assert.ok(!s.knows('default', 4_000_000_000));
        for (const set of SETS)
          assert.equal(known.get(s.resolve('default', set)), JSON.stringify(set));
      },
      async (s) => {
        const builder = new BatchBuilder();
        for (const bytes of asLabelBytes(SETS.slice(0, 3)))
          builder.f64(s.resolveBytes('default', bytes), 1, 0, 1);
        await s.append(builder.finish(), appendOptions());
      },
    ],
    check: (s) =>
      checkRows(s, [
        point({ __name__: 'm', a: '1', b: 'long enough for several words' }, 1, 1),
        point({ __name__: 'm', a: '2', b: 'long enough for several words' }, 1, 1),
      ]),
  },
];
