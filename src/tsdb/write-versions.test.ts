// Write versions: a cache that compares them is never wrong, and mostly right where nothing late
// came.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { KIND } from '../model/columns.ts';
import type { Points } from '../model/columns.ts';
import { matcher } from '../model/matcher.ts';
import { VERSION_BUCKET_US, VERSION_BUCKETS_MAX } from './limits.ts';
import { nameSlot, WriteVersions } from './write-versions.ts';

const NOW_US = Date.UTC(2026, 10, 28) * 1000;
const WATCHED_US = NOW_US - 300_000_000;
const NAMES = ['a', 'b', 'node_cpu_seconds_total'];
const EVER = { startUs: Number.NEGATIVE_INFINITY, endUs: Number.POSITIVE_INFINITY };

function pointsAt(times: readonly number[]): Points {
  const none = { rows: undefined, subNs: undefined, startUs: undefined, position: undefined };
  const tUs = Float64Array.from(times);
  const values = new Float64Array(times.length);
  return {
    kind: KIND.f64,
    values,
    tUs,
    refs: new Uint32Array(times.length),
    count: times.length,
    ...none,
  };
}

function write(versions: WriteVersions, tenant: string, name: number, times: readonly number[]) {
  const refs = new Uint32Array(times.length).fill(name);
  const nameSlots = Uint8Array.from(NAMES, nameSlot);
  versions.written(tenant, pointsAt(times), refs, nameSlots);
}

test('points that nobody watches move nothing, late ones what they touch', () => {
  const versions = new WriteVersions();
  write(versions, 't', 0, [1, WATCHED_US - 1]);
  versions.watch(WATCHED_US);
  versions.watch(5);
  const of = (name: string | undefined, startUs = 0, endUs = NOW_US): number =>
    versions.versionOf('t', name, { startUs, endUs });
  write(versions, 't', 0, [NOW_US, WATCHED_US, NOW_US + 1e9]);
  assert.deepEqual([of('a'), of(undefined)], [0, 0]);
  const lateUs = WATCHED_US - 1;
  write(versions, 't', 0, [lateUs]);
  const moved = of('a');
  assert.ok(moved > 0);
  assert.equal(of('b'), 0);
  assert.equal(of(undefined), moved);
  assert.equal(of('a', 0, lateUs - VERSION_BUCKET_US), 0);
  assert.equal(versions.versionOf('other', 'a', EVER), 0);
  versions.deleted('t', [matcher('__name__', '=', 'b')], { startUs: 5, endUs: 6 });
  assert.ok(of('b') > moved);
  assert.equal(of('a'), moved);
  versions.deleted('t', [matcher('x', '=', 'b')], EVER);
  assert.ok(of('a') > moved && of('node_cpu_seconds_total', 1, 2) > 0);
});

test('a change inside what was asked for is never missed, whatever was forgotten', () => {
  const change = fc.record({
    tenant: fc.constantFrom('s', 't'),
    name: fc.nat(2),
    bucket: fc.nat(2000),
    span: fc.constantFrom(0, 1, 5, VERSION_BUCKETS_MAX + 5),
    isDelete: fc.boolean(),
  });
  const question = fc.record({ name: fc.nat(3), bucket: fc.nat(2000), span: fc.nat(40) });
  fc.assert(
    fc.property(
      fc.array(change, { maxLength: 40 }),
      question,
      fc.nat(2 ** 17),
      (list, q, burst) => {
        const versions = new WriteVersions();
        versions.watch(Number.POSITIVE_INFINITY);
        const range = {
          startUs: q.bucket * VERSION_BUCKET_US,
          endUs: (q.bucket + q.span) * VERSION_BUCKET_US + 7,
        };
        const ask = (): number => versions.versionOf('t', NAMES[q.name], range);
        for (const [i, { tenant, name, bucket, span, isDelete }] of list.entries()) {
          const before = ask();
          const startUs = bucket * VERSION_BUCKET_US + 3;
          const endUs = startUs + (isDelete ? span * VERSION_BUCKET_US : 0);
          if (isDelete)
            versions.deleted(tenant, [matcher('__name__', '=', NAMES[name]!)], { startUs, endUs });
          else write(versions, tenant, name, [startUs]);
          const touches =
            tenant === 't' &&
            (NAMES[q.name] === undefined || nameSlot(NAMES[q.name]!) === nameSlot(NAMES[name]!)) &&
            startUs <= range.endUs &&
            endUs >= range.startUs;
          assert.ok(ask() >= before);
          if (touches) assert.ok(ask() > before);
          else if (tenant !== 't') assert.equal(ask(), before);
          if (i === 3 && burst % 50 === 0)
            for (let k = 0; k <= VERSION_BUCKETS_MAX; k++)
              write(versions, 't', 1, [3000 * VERSION_BUCKET_US + k * VERSION_BUCKET_US]);
        }
      },
    ),
    { numRuns: 100 },
  );
});
