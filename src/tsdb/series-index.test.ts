// The RAM index: refs, order by labels while series and tenants come in any order, planning by
// matcher.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { compareLabels, labelsFromObject, labelValue } from '../model/labels.ts';
import { matcher, matchesAll } from '../model/matcher.ts';
import { asLabelBytes } from '../../test/support/label-bytes.ts';
import { readCaptured, sectionMemory, SectionReader } from './index-sections.ts';
import {
  BASE_SIMPLE_SERIES,
  COLUMN_STEP_SERIES,
  MATCH_STEP_VALUES,
  SMALL_TENANT_SERIES,
} from './limits.ts';
import { SeriesIndex } from './series-index.ts';

const NOW_MS = Date.UTC(2026, 10, 28);

const labelsOf = (a: number, b: number): readonly string[] =>
  labelsFromObject({ __name__: `m${a % 4}`, a: String(a), ...(b === 0 ? {} : { b: String(b) }) });

const MATCHER_SETS = [
  [],
  [matcher('__name__', '=', 'm1')],
  [matcher('b', '=', '')],
  [matcher('b', '!=', ''), matcher('a', '=~', '1.*')],
  [matcher('a', '=~', '1|2|33'), matcher('__name__', '!~', 'm2')],
  [matcher('absent', '=', 'x')],
];

test('selects exactly what matches, in label order, whatever came when', () => {
  const additions = fc.array(fc.tuple(fc.nat(40), fc.nat(2), fc.nat(1), fc.boolean()), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(additions, (list) => {
      const index = new SeriesIndex();
      const model = [new Map<number, readonly string[]>(), new Map<number, readonly string[]>()];
      for (const [a, b, tenant, isIndexed] of list) {
        const labels = labelsOf(a, b);
        const ref = index.resolve(`t${tenant}`, labels);
        assert.equal(index.tenantOf(ref), `t${tenant}`);
        if (!isIndexed) continue;
        index.applied(`t${tenant}`, Uint32Array.of(ref), NOW_MS);
        model[tenant]!.set(ref, labels);
        index.select(`t${tenant}`, []);
      }
      for (const [tenant, known] of model.entries())
        for (const matchers of MATCHER_SETS) {
          const expected = [...known]
            .filter(([, labels]) => matchesAll(matchers, labels))
            .toSorted((x, y) => compareLabels(x[1], y[1]))
            .map(([ref]) => ref);
          assert.deepEqual([...index.select(`t${tenant}`, matchers)], expected);
        }
    }),
    { numRuns: 150 },
  );
});

test('a ref is stable and belongs to one tenant', () => {
  const index = new SeriesIndex();
  const ref = index.resolve('red', labelsOf(1, 0));
  assert.equal(index.resolve('red', labelsOf(1, 0)), ref);
  assert.notEqual(index.resolve('blue', labelsOf(1, 0)), ref);
  assert.equal(index.tenantOf(99), undefined);
  assert.deepEqual(index.tenants(), []);
  index.applied('red', Uint32Array.of(ref), NOW_MS);
  assert.deepEqual(index.tenants(), ['red']);
});

test('many series, found by columns, with newer ones beside them', () => {
  const index = new SeriesIndex(5);
  const model = new Map<number, readonly string[]>();
  const add = (from: number, to: number): void => {
    const sets = Array.from({ length: to - from }, (_, i) => {
      const n = from + i;
      return labelsFromObject({
        __name__: n % 97 === 0 ? 'rare' : 'common',
        host: `h${(n * 7919) % 301}`,
        id: String(n),
        ...(n % 3 === 0 ? { odd: `o${n % 5}` } : {}),
      });
    });
    let i = 0;
    for (const bytes of asLabelBytes(sets)) {
      const ref = index.resolveBytes('t', bytes);
      index.applied('t', Uint32Array.of(ref), NOW_MS);
      model.set(ref, sets[i++]!);
    }
  };
  const check = (): void => {
    for (const matchers of [
      [],
      [matcher('__name__', '=', 'rare')],
      [matcher('__name__', '=~', 'rare|common')],
      [matcher('__name__', '=', 'common'), matcher('host', '=', 'h17')],
      [matcher('host', '=~', 'h1.*'), matcher('odd', '!=', '')],
      [matcher('host', '=~', 'h1[05]'), matcher('odd', '=~', 'o1|o2|none')],
      [matcher('id', '=~', '.*7'), matcher('odd', '=', '')],
      [matcher('id', '=', '12')],
      [matcher('id', '=', 'none')],
      [matcher('host', '!~', 'h.*')],
    ]) {
      const expected = [...model]
        .filter(([, labels]) => matchesAll(matchers, labels))
        .toSorted((x, y) => compareLabels(x[1], y[1]))
        .map(([ref]) => ref);
      const shown = matchers.map((one) => one.name + one.type + one.value).join(',');
      assert.deepEqual([...index.select('t', matchers)], expected, shown);
    }
  };
  add(0, SMALL_TENANT_SERIES + 1);
  check();
  add(SMALL_TENANT_SERIES + 1, BASE_SIMPLE_SERIES + 100);
  check();
  add(BASE_SIMPLE_SERIES + 100, BASE_SIMPLE_SERIES + 400);
  check();
});

test('what regular expressions accept is found in steps, or anew where series change meanwhile', () => {
  const index = new SeriesIndex(5);
  let tried = 0;
  const expression = (text: string) => {
    const one = matcher('id', '=~', text);
    const matches = (value: string): boolean => {
      if (value !== '') tried++;
      return one.matches(value);
    };
    return { ...one, matches };
  };
  const add = (from: number, to: number): void => {
    for (let n = from; n < to; n++) {
      const host = `h${n % 7}`;
      const ref = index.resolve('t', labelsFromObject({ __name__: 'm', host, id: String(n) }));
      index.applied('t', Uint32Array.of(ref), NOW_MS);
    }
  };
  const expected = (pattern: RegExp, to: number): number =>
    Array.from({ length: to }, (_, n) => n).filter((n) => pattern.test(String(n))).length;
  const count = 20 * MATCH_STEP_VALUES;
  add(0, count);
  index.select('t', []);
  const ends = [expression('.*[05]')];
  const ofColumn = Math.floor(count / COLUMN_STEP_SERIES);
  // Values are put in order in one step or two.
  const stepCount = [...index.matchSteps('t', ends)].length;
  assert.ok(stepCount >= ofColumn + 20 && stepCount <= ofColumn + 22, `${stepCount} steps`);
  assert.equal(tried, count);
  assert.equal(index.select('t', ends).length, expected(/[05]$/, count));
  assert.equal(tried, count, 'it is known');
  // A few hosts are looked at alone.
  const ofHost = [matcher('host', '=', 'none'), expression('.*[16]')];
  assert.equal([...index.matchSteps('t', ofHost)].length, 0);

  const more = [expression('.*[27]')];
  const steps = index.matchSteps('t', more);
  for (let i = 0; i < 5; i++) assert.equal(steps.next().done, false);
  add(count, 2 * count);
  index.select('t', []);
  tried = 0;
  assert.equal(steps.next().done, true);
  assert.ok(tried <= MATCH_STEP_VALUES, String(tried));
  assert.equal(index.select('t', more).length, expected(/[27]$/, 2 * count));
});

test('series are put in order in steps, whatever goes or comes meanwhile', () => {
  const half = 2 * BASE_SIMPLE_SERIES;
  const idOf = (n: number): string => String((n * 7919) % 65_537).padStart(5, '0');
  const add = (index: SeriesIndex, from: number, to: number, nowMs: number): void => {
    for (let n = from; n < to; n++) {
      const ref = index.resolve('t', labelsFromObject({ __name__: 'm', id: idOf(n) }));
      index.applied('t', Uint32Array.of(ref), nowMs);
    }
  };
  const laterMs = NOW_MS + 1_800_000;
  const ways: Readonly<Record<string, (index: SeriesIndex) => void>> = {
    nothing: () => undefined,
    'new series': (index) => add(index, 2 * half, 2 * half + 500, laterMs),
    'a question': (index) => void index.select('t', []),
    'series go': (index) => {
      index.retire({
        nowMs: NOW_MS + 3_700_000,
        idleMs: 3_600_000,
        countMax: half,
        isHeld: () => false,
      });
      index.sweep(0);
    },
  };
  for (const [way, happens] of Object.entries(ways))
    for (const at of [1, 7, 20]) {
      const index = new SeriesIndex(5);
      // What goes is half of the base, or half of what is not in it yet.
      add(index, 0, half, at === 7 ? laterMs : NOW_MS);
      if (at !== 20) index.select('t', []);
      add(index, half, 2 * half, at === 7 ? NOW_MS : laterMs);
      const steps = index.matchSteps('t', [matcher('id', '=~', '.*7')]);
      let count = 0;
      while (steps.next().done !== true) if (++count === at) happens(index);
      assert.ok(count >= at, `${way}: ${count} steps`);
      const refs = index.select('t', []);
      const ids = Array.from(refs, (ref) => labelValue(index.labelsOf(ref), 'id'));
      assert.equal(ids.length, index.findableCount, way);
      assert.deepEqual(ids, ids.toSorted(), way);
      assert.equal(
        index.select('t', [matcher('id', '=~', '.*7')]).length,
        ids.filter((id) => id.endsWith('7')).length,
        way,
      );
    }
});

test('last seen and active series are exact to the second', () => {
  const index = new SeriesIndex(5);
  const seen = new Map<number, number>();
  // Most batches come in the second of the one before or a later one, some clocks go back.
  const laterMs = fc.oneof(fc.nat(600), fc.nat(2_000_000), fc.integer({ min: -5000, max: 0 }));
  const written = fc.array(fc.nat(30), { maxLength: 40 });
  const steps = fc.array(fc.record({ numbers: written, afterMs: laterMs }), { maxLength: 30 });
  let nowMs = NOW_MS;
  fc.assert(
    fc.property(steps, (list) => {
      for (const { numbers, afterMs } of list) {
        nowMs += afterMs;
        const refs = Uint32Array.from(numbers, (n) => index.resolve('t', labelsOf(n, 0)));
        index.applied('t', refs, nowMs);
        const nowSec = Math.floor(nowMs / 1000);
        for (const ref of refs) seen.set(ref, Math.max(nowSec, seen.get(ref) ?? 0));
        assert.equal(index.findableCount, seen.size);
        const active = [...seen.values()].filter((second) => second > nowSec - 3600).length;
        assert.equal(index.seriesCount('t', nowMs).active, active);
        for (const [ref, second] of seen) assert.equal(index.lastSeenMs(ref), second * 1000);
      }
    }),
    { numRuns: 60 },
  );
  assert.equal(index.seriesCount('other', nowMs).active, 0);
  // A clock that goes back moves nothing.
  const [ref, second] = [...seen][0]!;
  index.applied('t', Uint32Array.of(ref), 5);
  assert.equal(index.lastSeenMs(ref), second * 1000);
});

test('idle series leave and come back as others; their refs never mean anything again', () => {
  const step = fc.record({
    series: fc.array(fc.nat(60), { maxLength: 20 }),
    held: fc.array(fc.nat(60), { maxLength: 5 }),
    minutes: fc.nat(50),
    isSwept: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (list) => {
      const index = new SeriesIndex(3);
      const live = new Map<number, { labels: readonly string[]; tenant: string; seenMs: number }>();
      const gone = new Set<number>();
      let nowMs = NOW_MS;
      for (const { series, held, minutes, isSwept } of list) {
        nowMs += minutes * 60_000;
        for (const n of series) {
          const tenant = `t${n % 2}`;
          const labels = labelsOf(n, n % 3);
          const ref = index.resolve(tenant, labels);
          assert.ok(!gone.has(ref), 'a ref is given once');
          index.applied(tenant, Uint32Array.of(ref), nowMs);
          live.set(ref, { labels, tenant, seenMs: nowMs });
        }
        const heldRefs = new Set([...live.keys()].filter((_, i) => held.includes(i)));
        const isHeld = (ref: number): boolean => heldRefs.has(ref);
        const count = index.retire({ nowMs, idleMs: 3_600_000, countMax: 7, isHeld });
        let due = 0;
        for (const [ref, { seenMs }] of live) {
          if (seenMs > nowMs - 3_600_000 || isHeld(ref)) continue;
          due++;
          if (index.tenantOf(ref) !== undefined) continue;
          live.delete(ref);
          gone.add(ref);
        }
        assert.equal(count, Math.min(due, 7));
        if (isSwept) index.sweep(0);
        for (const ref of gone) assert.equal(index.tenantOf(ref), undefined);
        assert.equal(index.findableCount, live.size);
        for (const tenant of ['t0', 't1']) {
          const own = [...live].filter(([, one]) => one.tenant === tenant);
          for (const matchers of MATCHER_SETS) {
            const expected = own
              .filter(([, { labels }]) => matchesAll(matchers, labels))
              .toSorted((x, y) => compareLabels(x[1].labels, y[1].labels))
              .map(([ref]) => ref);
            assert.deepEqual([...index.select(tenant, matchers)], expected);
          }
          const active = own.filter(([, { seenMs }]) => seenMs > nowMs - 3_600_000).length;
          assert.equal(index.seriesCount(tenant, nowMs).active, active);
        }
        for (const [ref, { labels }] of live) assert.deepEqual(index.labelsOf(ref), labels);
      }
    }),
    { numRuns: 60 },
  );
});

test('a series that was only reserved goes an hour after it was first looked at', () => {
  const index = new SeriesIndex(3);
  const ref = index.resolve('t', labelsOf(1, 1));
  const retire = (nowMs: number): number =>
    index.retire({ nowMs, idleMs: 3_600_000, countMax: 9, isHeld: () => false });
  assert.equal(retire(NOW_MS), 0);
  assert.equal(retire(NOW_MS + 3_599_000), 0);
  assert.equal(index.tenantOf(ref), 't');
  assert.equal(retire(NOW_MS + 3_600_000), 1);
  assert.equal(index.tenantOf(ref), undefined);
  assert.notEqual(index.resolve('t', labelsOf(1, 1)), ref);
});

test('churn: memory follows what is live, not what there was', () => {
  const index = new SeriesIndex(9);
  const sizes: number[] = [];
  const perHour = 4000;
  let nowMs = NOW_MS;
  let total = 0;
  for (let hour = 0; hour < 60; hour++) {
    nowMs += 3_600_000;
    const sets = Array.from({ length: perHour }, () => {
      const n = total++;
      return labelsFromObject({ __name__: 'm', job: 'j', pod: `pod-${n >> 3}`, uid: `${n}-x${n}` });
    });
    for (const bytes of asLabelBytes(sets)) {
      const ref = index.resolveBytes('t', bytes);
      index.applied('t', Uint32Array.of(ref), nowMs);
    }
    if (hour % 5 === 0) index.select('t', [matcher('uid', '=', '7-x7')]);
    index.retire({ nowMs, idleMs: 3_600_000, countMax: perHour * 2, isHeld: () => false });
    index.sweep();
    assert.ok(index.findableCount <= 2 * perHour);
    sizes.push(index.sizeBytes);
  }
  const settled = Math.max(...sizes.slice(10, 20));
  assert.ok(Math.max(...sizes) <= settled * 1.1, `${settled} B became ${Math.max(...sizes)} B`);
});

test('held bytes follow what queries put in order, whose tenant it is of', () => {
  const index = new SeriesIndex(5);
  const seriesCount = SMALL_TENANT_SERIES * 4;
  const write = (tenant: string, nowMs: number): void => {
    for (let n = 0; n < seriesCount; n++) {
      const ref = index.resolve(tenant, labelsFromObject({ __name__: 'm', id: String(n) }));
      index.applied(tenant, Uint32Array.of(ref), nowMs);
    }
  };
  write('a', NOW_MS);
  write('b', NOW_MS + 7_200_000);
  const order = (tenant: string): number => {
    const before = index.heldBytes;
    assert.equal(index.select(tenant, [matcher('id', '=', '7')]).length, 1);
    return index.heldBytes - before;
  };
  // Of the first one texts are put in order, too.
  assert.ok(order('a') > order('b'));
  write('c', NOW_MS + 7_200_000);
  const ofEach = order('c');
  assert.ok(ofEach >= seriesCount * 8, `refs in order and values of a label: ${ofEach}`);
  assert.equal(order('c'), 0);
  const before = index.heldBytes;
  // All series of the first one go, and with them what was in order.
  const nowMs = NOW_MS + 7_200_000;
  index.retire({ nowMs, idleMs: 3_600_000, countMax: 3 * seriesCount, isHeld: () => false });
  assert.deepEqual(index.tenants(), ['b', 'c']);
  assert.ok(before - index.heldBytes >= ofEach, `${before} became ${index.heldBytes}`);
  const between = index.heldBytes;
  assert.equal(index.select('b', []).length, seriesCount);
  assert.equal(index.heldBytes, between, 'the order of others is kept');
  // Values are made anew after a sweep, refs in order stay.
  index.sweep(1);
  const swept = index.heldBytes;
  assert.ok(order('b') < ofEach);
  assert.ok(order('c') > 0);
  assert.ok(swept < between);
});

test('many small tenants cost what one large one does', () => {
  const sizeOf = (tenantCount: number): number => {
    const index = new SeriesIndex(4);
    const seriesCount = 20_000;
    const sets = Array.from({ length: seriesCount }, (_, n) =>
      labelsFromObject({ __name__: `m${n % 50}`, job: 'j', id: String(n) }),
    );
    let n = 0;
    for (const bytes of asLabelBytes(sets)) {
      const tenant = `t${Math.floor((n++ * tenantCount) / seriesCount)}`;
      index.applied(tenant, Uint32Array.of(index.resolveBytes(tenant, bytes)), NOW_MS);
    }
    for (const tenant of index.tenants()) index.select(tenant, [matcher('job', '=', 'j')]);
    assert.equal(index.tenants().length, tenantCount);
    return index.sizeBytes;
  };
  assert.ok(sizeOf(200) <= sizeOf(1) * 1.2);
});

test('label names with symbols of more than sixteen bits', () => {
  const index = new SeriesIndex(4);
  for (let n = 0; n < 65_500; n++) index.symbols.intern(`x${n}`);
  const labels = (n: number) =>
    labelsFromObject({ __name__: 'm', [`n${n}`]: `v${n % 7}`, other: `v${n % 5}` });
  const refs = Array.from({ length: 100 }, (_, n) => index.resolve('t', labels(n)));
  index.applied('t', Uint32Array.from(refs), NOW_MS);
  assert.ok(index.symbols.find('n0') < 2 ** 16 && index.symbols.find('n99') >= 2 ** 16);
  const sections = index.capture().map((section) => {
    const bytes = sectionMemory(section.sizeBytes);
    return { name: section.name, bytes: readCaptured(section, 0, section.sizeBytes, bytes) };
  });
  index.release();
  const copy = SeriesIndex.fromSections(new SectionReader(sections));
  for (const one of [index, copy])
    for (const [n, ref] of refs.entries()) {
      assert.deepEqual(one.labelsOf(ref), labels(n));
      assert.equal(one.find('t', labels(n)), ref);
      assert.deepEqual([...one.select('t', [matcher(`n${n}`, '=', `v${n % 7}`)])], [ref]);
    }
});

test('who reads parts may use the row between two series', () => {
  const index = new SeriesIndex(5);
  const seriesOf = (host: string) => labelsFromObject({ __name__: 'm', dc: 'd2', host });
  index.resolve('t', seriesOf('a'));
  index.tables.rows.reserveRow(3).fill(2);
  const labels = seriesOf('b');
  assert.deepEqual(index.labelsOf(index.resolve('t', labels)), labels);
});
