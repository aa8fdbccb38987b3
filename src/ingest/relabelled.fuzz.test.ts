// Writes under rules: what is stored is what is stored without rules, relabelled one series after
// the other, whatever the dictionaries remember and predict.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { scanLineProtocol } from '../formats/influx/line-protocol.ts';
import { useLinesKernel } from '../formats/lines-kernel.ts';
import { scanPrometheusText } from '../formats/prometheus-text/exposition.ts';
import { BatchBuilder } from '../model/batch-builder.ts';
import { KIND } from '../model/columns.ts';
import type { WriteBatch } from '../model/columns.ts';
import { labelsFromPairs, labelsKey } from '../model/labels.ts';
import type { Labels } from '../model/labels.ts';
import { openPrincipal } from '../model/tenant.ts';
import { Relabeller } from '../relabel/relabelling.ts';
import { DEFAULT_RULE } from '../relabel/rule.ts';
import type { RelabelRule } from '../relabel/rule.ts';
import { randomInt, seededPrng } from '../stdx/prng.ts';
import type { Prng } from '../stdx/prng.ts';
import { REF_DROPPED, withoutDropped } from './dropped-points.ts';
import { Ingest } from './ingest.ts';
import type { IngestStorage, Scan, WriteReport } from './ingest.ts';
import type { RelabelSource } from './write-profiles.ts';

// As in the server: what the kernel has learned of a dropped series is dropped as well.
const wasm = readFileSync(new URL('../../dist/wasm/lines.wasm', import.meta.url));
const module = new WebAssembly.Module(wasm);
useLinesKernel(() => module);
after(() => useLinesKernel(undefined));

/** What was appended, in order, a text a point. */
class Stored implements IngestStorage {
  readonly points: { readonly labels: Labels; readonly text: string }[] = [];
  readonly splits: string[] = [];
  resolveCount = 0;
  readonly #labels: Labels[] = [];
  readonly #refs = new Map<string, number>();

  resolve(_tenant: string, labels: Labels): number {
    this.resolveCount++;
    const key = labelsKey(labels);
    let ref = this.#refs.get(key);
    if (ref === undefined) this.#refs.set(key, (ref = this.#labels.push(labels) - 1));
    return ref;
  }

  resolveBytes(): number {
    assert.fail('these protocols have no labels as bytes');
  }

  knows = (): boolean => true;
  splitOf = (): undefined => undefined;

  async append({ points, splits }: WriteBatch): Promise<{ applied: boolean }> {
    for (const { name } of splits) this.splits.push(name);
    const rows: { row: number; labels: Labels; text: string }[] = [];
    for (const set of points)
      for (let i = 0; i < set.count; i++) {
        assert.notEqual(set.refs[i], REF_DROPPED);
        const labels = this.#labels[set.refs[i]!]!;
        const value = set.values[i];
        assert.ok(typeof value !== 'object');
        const text = `${set.kind} ${set.tUs[i]} ${String(value)}`;
        rows.push({ row: set.rows?.[i] ?? i, labels, text });
      }
    this.points.push(...rows.toSorted((a, b) => a.row - b.row));
    return { applied: true };
  }
}

interface Writer {
  readonly stored: Stored;
  readonly reports: WriteReport[];
  readonly write: (body: string, scan: (bytes: Uint8Array) => Scan<never>) => Promise<void>;
}

function writer(relabel: RelabelSource | undefined, forcedLabels: Labels = []): Writer {
  const stored = new Stored();
  const reports: WriteReport[] = [];
  const onWrite = (report: WriteReport) => void reports.push(report);
  const ingest = new Ingest({ storage: stored, prng: seededPrng(7), onWrite, relabel });
  const principal = { ...openPrincipal('t'), forcedLabels };
  return {
    stored,
    reports,
    async write(body, scan) {
      const bytes = Buffer.from(body);
      const common = { protocol: 'p', profileKey: '', durability: 'sync', batchId: undefined };
      const request = { ...common, sizeBytes: bytes.length, scan: scan(bytes) };
      await ingest.write(principal, { ...request, durability: 'sync' });
    },
  };
}

const influx = (bytes: Uint8Array): Scan<never> => {
  const options = { precision: 'ms', defaultTimeUs: 5, mapping: [] } as const;
  return ((dictionary, sink) =>
    scanLineProtocol(bytes, bytes.length, options, dictionary, sink)) as Scan<never>;
};

const exposition = (bytes: Uint8Array): Scan<never> => {
  const options = { defaultTimeUs: 5, mode: 'import', extraLabels: [], typeLabels: false } as const;
  return ((dictionary, sink) =>
    scanPrometheusText(bytes, bytes.length, options, dictionary, sink)) as Scan<never>;
};

function rule(given: Partial<RelabelRule>): RelabelRule {
  return { ...DEFAULT_RULE, ...given };
}

const RULES: readonly RelabelRule[] = [
  rule({ action: 'drop', sourceLabels: ['a'], regex: '[0-2]' }),
  rule({ action: 'keep', sourceLabels: ['__name__'], regex: '.*[xyz].*' }),
  rule({ sourceLabels: ['a', 'b'], targetLabel: 'joined' }),
  rule({ action: 'labeldrop', regex: 'b' }),
  rule({ action: 'hashmod', sourceLabels: ['a'], targetLabel: 'shard', modulus: 3n }),
  rule({ action: 'keepequal', sourceLabels: ['shard'], targetLabel: 'b' }),
  rule({ action: 'dropequal', sourceLabels: ['a'], targetLabel: 'b' }),
  rule({ action: 'labelmap', regex: '(a|b)', replacement: 'from_$1' }),
  rule({
    sourceLabels: ['__name__'],
    regex: '(.).*',
    targetLabel: '__name__',
    replacement: 'n_$1',
  }),
  rule({ action: 'uppercase', sourceLabels: ['__name__'], targetLabel: 'up' }),
  rule({ action: 'labelkeep', regex: '__name__|a|shard' }),
];

function pick<T>(prng: Prng, from: readonly T[]): T {
  return from[randomInt(prng, from.length)]!;
}

function lineBody(prng: Prng): string {
  const lines = Array.from({ length: 1 + randomInt(prng, 12) }, (_, i) => {
    const tags = `,a=${randomInt(prng, 6)}` + pick(prng, ['', `,b=${randomInt(prng, 4)}`]);
    const fields = pick(prng, ['value=1', 'value=2i,u=true', 'v="text",value=3.5,w=4u']);
    return `${pick(prng, ['mx', 'my', 'other'])}${tags} ${fields} ${1000 + i}`;
  });
  return lines.join('\n');
}

function pageBody(prng: Prng): string {
  const lines = Array.from({ length: 1 + randomInt(prng, 12) }, (_, i) => {
    const labels = `a="${randomInt(prng, 6)}",b="${randomInt(prng, 4)}"`;
    return `${pick(prng, ['mx', 'my', 'other'])}{${labels}} ${i} ${1000 + i}`;
  });
  return `${lines.join('\n')}\n`;
}

test('what is stored is what would be stored without rules, relabelled', async () => {
  const prng = seededPrng(45);
  for (let round = 0; round < 150; round++) {
    const rules = Array.from({ length: 1 + randomInt(prng, 4) }, () => pick(prng, RULES));
    const relabeller = new Relabeller(rules, 1);
    const ruled = writer({ of: () => relabeller });
    const plain = writer(undefined);
    const [body, scan] = pick(prng, [
      [lineBody, influx],
      [pageBody, exposition],
    ] as const);
    // The same bodies again meet dictionaries that know them.
    const bodies = Array.from({ length: 3 }, () => body(prng));
    for (const text of [...bodies, ...bodies, ...bodies.toReversed()]) {
      await ruled.write(text, scan);
      await plain.write(text, scan);
    }
    const expected: { labels: Labels; text: string }[] = [];
    for (const { labels, text } of plain.stored.points) {
      // Names that rules give share no splits, so that there is no label of origin.
      const result = relabeller.apply(labels);
      if (result.kind === 'kept') expected.push({ labels: result.labels, text });
    }
    const seen = ruled.stored.points.map(({ labels, text }) => ({ labels, text }));
    assert.deepEqual(seen, expected, JSON.stringify(rules.map(({ action }) => action)));
    const dropped = ruled.reports.reduce((sum, { droppedCount }) => sum + droppedCount, 0);
    const points = ruled.reports.reduce((sum, { pointCount }) => sum + pointCount, 0);
    assert.equal(points, expected.length);
    assert.equal(dropped, plain.stored.points.length - expected.length);
    assert.ok(ruled.reports.every(({ errorCount }) => errorCount === 0));
  }
});

test('rules run once a series, dropped ones too, and never again for what is known', async () => {
  let count = 0;
  const relabeller = new Relabeller([rule({ action: 'drop', sourceLabels: ['a'], regex: '1' })], 1);
  const counting = {
    version: 1,
    apply(labels: Labels) {
      count++;
      return relabeller.apply(labels);
    },
  };
  const { write, stored } = writer({ of: () => counting });
  for (let i = 0; i < 10; i++) await write('m,a=1 v=1 1\nm,a=2 v=1 1\nm,a=1 v=2 2\n', influx);
  assert.equal(count, 2);
  assert.equal(stored.resolveCount, 1);
  assert.equal(stored.points.length, 10);
});

test('rules that change are in force with the next write', async () => {
  let relabeller = new Relabeller([rule({ targetLabel: 'by', replacement: 'first' })], 1);
  const { write, stored } = writer({ of: () => relabeller });
  await write('m v=1 1', influx);
  relabeller = new Relabeller([rule({ targetLabel: 'by', replacement: 'second' })], 2);
  await write('m v=1 2', influx);
  relabeller = new Relabeller([rule({ action: 'drop', sourceLabels: [], regex: '' })], 3);
  await write('m v=1 3', influx);
  const by = stored.points.map(({ labels }) => labels[labels.indexOf('by') + 1]);
  assert.deepEqual(by, ['first', 'second']);
});

test('rules see forced labels and cannot take them away', async () => {
  const rules = [
    rule({ sourceLabels: ['team'], targetLabel: 'seen' }),
    rule({ action: 'labeldrop', regex: 'team' }),
    rule({ targetLabel: 'org', replacement: 'mine' }),
  ];
  const relabeller = new Relabeller(rules, 1);
  const { write, stored } = writer({ of: () => relabeller }, ['org', 'theirs', 'team', 'red']);
  await write('m v=1 1', influx);
  const expected = ['__name__', 'm_v', 'org', 'theirs', 'seen', 'red', 'team', 'red'];
  assert.deepEqual(stored.points[0]?.labels, expected);
});

test('two rows that become one series are one, the later one last; a new name has no split', async () => {
  const relabeller = new Relabeller([rule({ targetLabel: '__name__', replacement: 'one' })], 1);
  const { write, stored } = writer({ of: () => relabeller });
  await write('m a=1,b=2 1\nn a=3 1', influx);
  assert.deepEqual(
    stored.points.map(({ labels, text }) => [labels, text]),
    ['1', '2', '3'].map((value) => [['__name__', 'one'], `0 1000 ${value}`]),
  );
  assert.deepEqual(stored.splits, []);
});

test('a series that rules make too large is refused, counted as such, and named', async () => {
  const grow = rule({ sourceLabels: ['a'], targetLabel: 'a', replacement: '$1$1$1$1$1$1$1$1' });
  const relabeller = new Relabeller(
    Array.from({ length: 8 }, () => grow),
    1,
  );
  const { write, reports } = writer({ of: () => relabeller });
  await write('m,a=x v=1 1\nbad\nn v=2 1', influx);
  await write('m,a=x v=1 1', influx);
  assert.deepEqual(
    reports.map(({ refused }) => Object.fromEntries(refused)),
    [{ relabelling: 1, malformed: 1 }, { relabelling: 1 }],
  );
  assert.match(reports[1]!.errors[0]!.reason, /relabelling: rule \d \(line 0\): a text becomes/);
});

test('points of every kind are taken out, the others keep their order and companions', () => {
  const prng = seededPrng(46);
  for (let round = 0; round < 200; round++) {
    const builder = new BatchBuilder();
    const expected: string[] = [];
    const share = randomInt(prng, 4);
    for (let i = 0; i < 40; i++) {
      const ref = randomInt(prng, 4) < share ? REF_DROPPED : i;
      const kind = randomInt(prng, 3);
      const subNs = randomInt(prng, 2);
      if (kind === 0) builder.f64(ref, i, subNs, i / 2);
      else if (kind === 1) builder.i64(ref, i, subNs, i, 0);
      else builder.string(ref, i, subNs, `s${i}`);
      if (randomInt(prng, 3) === 0)
        builder.startOfLast([KIND.f64, KIND.i64, KIND.string][kind]!, i - 1);
      if (randomInt(prng, 3) === 0) builder.exemplar({ ref, labels: [], tUs: i, subNs, value: 1 });
      if (ref !== REF_DROPPED) expected.push(`${i}`);
    }
    const whole = builder.finish();
    const wholeTexts = texts(whole);
    const exemplarCount = whole.exemplars.filter(({ ref }) => ref !== REF_DROPPED).length;
    const { batch, droppedCount } = withoutDropped(whole);
    const kept = texts(batch);
    assert.equal(droppedCount, 40 - expected.length);
    assert.deepEqual([...kept.keys()].toSorted(), expected.toSorted());
    for (const [tUs, text] of kept) assert.equal(text, wholeTexts.get(tUs));
    assert.equal(batch.exemplars.length, exemplarCount);
  }
});

/** By time: everything that a point has. */
function texts({ points }: WriteBatch): Map<string, string> {
  const out = new Map<string, string>();
  for (const set of points)
    for (let i = 0; i < set.count; i++) {
      const value = set.values[i];
      assert.ok(typeof value !== 'object');
      const text = [set.kind, set.refs[i], set.subNs?.[i] ?? 0, set.startUs?.[i], value];
      out.set(String(set.tUs[i]), text.join(' '));
    }
  return out;
}

test('labels stay in order whatever rules do to their names', () => {
  const prng = seededPrng(47);
  for (let round = 0; round < 500; round++) {
    const rules = Array.from({ length: 1 + randomInt(prng, 5) }, () => pick(prng, RULES));
    const pairs = ['__name__', 'mx', 'b', String(randomInt(prng, 4)), 'a', String(round % 5)];
    const result = new Relabeller(rules, 1).apply(labelsFromPairs(pairs));
    if (result.kind === 'kept') assert.deepEqual(result.labels, labelsFromPairs(result.labels));
  }
});
