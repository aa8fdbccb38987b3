// `orrery check data`: sound folders are sound, each way of being wrong has its code, file and
// words, nothing is written, a folder in use is refused. Flipped bits are in flips.test.ts.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { DatabaseSync } from 'node:sqlite';
import { SqliteCatalog } from '../../src/catalog/sqlite-catalog.ts';
import { BLOCK_FLAG } from '../../src/codec/block.ts';
import { crc32c } from '../../src/codec/crc32c.ts';
import { readShards } from '../../src/tsdb/catalog-shards.ts';
import type { PartRow } from '../../src/tsdb/part-format.ts';
import { ColumnCache } from '../../src/tsdb/column-cache.ts';
import { ExtentCache, SectionCache } from '../../src/tsdb/part-cache.ts';
import { Part } from '../../src/tsdb/part-reader.ts';
import type { BlockPlace } from '../../src/tsdb/part-rows.ts';
import { makeSmallStore } from '../support/small-store.ts';
import { runCtl, startOrrery } from './harness.ts';

let folder = '';
let closed = '';
let killed = '';

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orrery-check-test-'));
  closed = join(folder, 'closed');
  killed = join(folder, 'killed');
  await makeSmallStore(closed, killed);
});

after(() => rm(folder, { recursive: true, force: true }));

/** Every file of a folder with the SHA-256 of its bytes. */
async function digests(data: string): Promise<ReadonlyMap<string, string>> {
  const out = new Map<string, string>();
  for (const entry of await readdir(data, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const text = entry.isFile() ? await readFile(path) : '';
    out.set(path, createHash('sha256').update(text).digest('hex'));
  }
  return out;
}

test('sound folders are sound, and nothing is written', async () => {
  for (const data of [closed, killed]) {
    const was = await digests(data);
    const text = await runCtl(['check', 'data', data]);
    assert.deepEqual([text.code, text.stderr.includes('checked 100 %')], [0, true], text.stderr);
    assert.match(text.stdout, /\d+ parts, 1\d series, \d+ blocks, \d+ samples, \d+ log records\n/);
    assert.match(text.stdout, /no damage\n$/);
    const json = await runCtl(['check', 'data', data, '--json']);
    const { ok, sampleCount, recordCount, findings } = JSON.parse(json.stdout) as {
      ok: boolean;
      sampleCount: number;
      recordCount: number;
      findings: unknown[];
    };
    assert.deepEqual([json.code, json.stderr, ok, findings], [0, '', true, []]);
    // 18 series of 400 points, one point deleted; after the kill a third of them is in the log.
    assert.deepEqual([sampleCount, recordCount], data === closed ? [7199, 0] : [4799, 6]);
    assert.deepEqual(await digests(data), was);
  }
});

/** A folder that was changed in one way, and what the check says about it. */
interface Case {
  readonly name: string;
  readonly of?: 'killed';
  readonly change: (data: string) => Promise<void>;
  readonly code: string;
  readonly severity: 'damage' | 'warning';
  readonly file: RegExp;
  readonly says: RegExp;
}

async function partOf(data: string, level: number): Promise<string> {
  const parts = join(data, 'blobs/parts/0');
  const found = (await readdir(parts)).filter((name) => name.includes(`-l${level}-`)).toSorted();
  return join(parts, found[0]!);
}

async function checkedRows(data: string): Promise<readonly PartRow[]> {
  const catalog = await SqliteCatalog.open(join(data, 'catalog.sqlite'));
  const shards = await readShards(catalog);
  await catalog.close();
  return shards.flatMap(({ parts }) => parts);
}

/** Blocks of the first series of the first tenant. */
async function blocksOf(path: string, row: PartRow): Promise<readonly BlockPlace[]> {
  const bytes = await readFile(path);
  const blobs = {
    get: async (
      _name: string,
      range = { offset: 0, length: bytes.length },
      into = new Uint8Array(range.length),
    ) => {
      into.set(bytes.subarray(range.offset, range.offset + range.length));
      return into;
    },
  };
  const caches = {
    cache: new SectionCache(1 << 20),
    extents: new ExtentCache(1 << 20),
    columns: new ColumnCache(0),
  };
  const part = new Part(row, { blobs, ...caches, skipCrc: false, onCorrupt: () => undefined });
  const [first] = await part.tenants();
  const index = await part.index(first!.tenant);
  return (await index!.rowGroup(0)).blocks(0, -Infinity, Infinity);
}

/** Rewrites rows as a catalog would: with good checksums. */
async function changeRows(
  data: string,
  prefix: string,
  change: (row: Record<string, unknown>) => unknown,
): Promise<void> {
  const catalog = await SqliteCatalog.open(join(data, 'catalog.sqlite'));
  await catalog.transact(async (tx) => {
    for (const { key, value } of await tx.range(prefix, `${prefix}~`)) {
      const row = JSON.parse(Buffer.from(value).toString()) as Record<string, unknown>;
      tx.set(key, Buffer.from(JSON.stringify(change(row))));
    }
  });
  await catalog.close();
}

const CASES: readonly Case[] = [
  {
    name: 'a part that is gone',
    change: async (data) => rm(await partOf(data, 0)),
    code: 'part-missing',
    severity: 'damage',
    file: /-l0-.*\.part$/,
    says: /there is no such file/,
  },
  {
    name: 'a part cut short',
    change: async (data) => truncate(await partOf(data, 0), 1000),
    code: 'part-size',
    severity: 'damage',
    file: /-l0-.*\.part$/,
    says: /it has 1000 bytes, the catalog says \d+/,
  },
  {
    name: 'a part that nobody names',
    change: async (data) => cp(await partOf(data, 0), join(data, 'blobs/parts/0/copy.part')),
    code: 'orphan',
    severity: 'warning',
    file: /copy\.part$/,
    says: /no row of the catalog names it/,
  },
  {
    name: 'a dead letter',
    change: async (data) => {
      await mkdir(join(data, 'blobs/dead-letter'));
      await writeFile(join(data, 'blobs/dead-letter/0000000000000001.record'), 'x');
    },
    code: 'dead-letter',
    severity: 'warning',
    file: /0000000000000001\.record$/,
    says: /could not be applied/,
  },
  {
    name: 'a row that counts other samples',
    change: (data) => changeRows(data, 'shard/0/part/', (row) => ({ ...row, sampleCount: 5 })),
    code: 'part-footer',
    severity: 'damage',
    file: /\.part$/,
    says: /the footer says .* the catalog says/,
  },
  {
    name: 'a row that names other times',
    change: (data) => changeRows(data, 'shard/0/part/', (row) => ({ ...row, maxUs: row['minUs'] })),
    code: 'part-row',
    severity: 'damage',
    file: /\.part$/,
    says: /it holds \d+ series/,
  },
  {
    name: 'a row that makes no sense',
    change: (data) => changeRows(data, 'shard/0/part/', (row) => ({ ...row, seqMin: 'x' })),
    code: 'catalog-row',
    severity: 'damage',
    file: /catalog\.sqlite$/,
    says: /row 'shard\/0\/part\/.*': seqMin is "x"/,
  },
  {
    name: 'a frontier above the log',
    change: (data) => changeRows(data, 'shard/0/frontier', () => 1000),
    code: 'log-frontier',
    severity: 'damage',
    file: /\/log$/,
    says: /in parts up to record 1000, but the log holds/,
  },
  {
    name: 'a catalog of a newer version',
    change: async (data) => {
      const db = new DatabaseSync(join(data, 'catalog.sqlite'));
      db.exec('PRAGMA user_version = 99');
      db.close();
    },
    code: 'catalog-newer',
    severity: 'damage',
    file: /catalog\.sqlite$/,
    says: /format 99/,
  },
  {
    name: 'a catalog that is none',
    change: (data) => writeFile(join(data, 'catalog.sqlite'), 'x'.repeat(10_000)),
    code: 'catalog-damage',
    severity: 'damage',
    file: /catalog\.sqlite$/,
    says: /not a database/,
  },
  {
    name: 'a catalog that cannot be read',
    change: async (data) => {
      await rm(join(data, 'catalog.sqlite'));
      await mkdir(join(data, 'catalog.sqlite'));
    },
    code: 'catalog-unreadable',
    severity: 'damage',
    file: /catalog\.sqlite$/,
    says: /EISDIR: .* \(a folder stands where a file is needed\)/,
  },
  {
    name: 'a segment that cannot be read',
    of: 'killed',
    change: async (data) => {
      const [first] = (await readdir(join(data, 'log'))).toSorted();
      await rm(join(data, 'log', first!));
      await mkdir(join(data, 'log', first!));
    },
    code: 'log-unreadable',
    severity: 'damage',
    file: /segment-\d+\.log$/,
    says: /EISDIR: /,
  },
  {
    name: 'a log whose segments are gone',
    of: 'killed',
    change: (data) => rm(join(data, 'log'), { recursive: true }),
    code: 'log-frontier',
    severity: 'damage',
    file: /\/log$/,
    says: /the log holds 0 to 0/,
  },
];

for (const one of CASES)
  test(`it says what is wrong with ${one.name}`, async () => {
    const data = await mkdtemp(join(folder, 'case-'));
    await cp(one.of === 'killed' ? killed : closed, data, { recursive: true });
    await one.change(data);
    const { code, stdout } = await runCtl(['check', 'data', data, '--json']);
    const { findings } = JSON.parse(stdout) as {
      findings: { code: string; severity: string; file: string; what: string; advice: string }[];
    };
    const found = findings.find((finding) => finding.code === one.code);
    assert.ok(found !== undefined, stdout);
    assert.match(found.file, one.file);
    assert.match(found.what, one.says);
    assert.equal(found.severity, one.severity);
    assert.notEqual(found.advice, '');
    assert.equal(code, one.severity === 'damage' ? 4 : 0);
    const text = await runCtl(['check', 'data', data]);
    assert.ok(text.stdout.includes(`${one.severity}: ${found.file}`), text.stdout);
  });

test('a folder in use, one that is none, and snapshots', async () => {
  const data = join(folder, 'served');
  const orrery = await startOrrery(['--no-collect', '--data', data]);
  try {
    await orrery.post('/write?precision=s', 'kept value=1 1750000000');
    await orrery.post('/orrery/v1/admin/snapshot', '');
    const busy = await runCtl(['check', 'data', data]);
    assert.deepEqual([busy.code, busy.stdout], [1, '']);
    assert.match(busy.stderr, /^orrery check: another orrery process uses '.*': stop it/);
  } finally {
    await orrery.stop();
  }
  const plain = await runCtl(['check', 'data', data, '--json']);
  const both = await runCtl(['check', 'data', data, '--json', '--snapshots']);
  assert.equal(both.code, 0, both.stdout);
  const count = ({ stdout }: { stdout: string }) =>
    (JSON.parse(stdout) as { sampleCount: number }).sampleCount;
  assert.deepEqual([count(plain), count(both)], [1, 2]);
  const none = await runCtl(['check', 'data', folder]);
  assert.equal(none.code, 3);
  assert.match(none.stderr, /is not a data folder: no catalog\.sqlite\n/);
  await rm(join(data, 'catalog.sqlite'));
  assert.match((await runCtl(['check', 'data', data])).stderr, /sqlite, which its parts need: put/);
  assert.equal((await runCtl(['check', 'data'])).code, 2);
  assert.equal((await runCtl(['check'])).code, 2);
});

test('a block that says of itself what its values do not say', async () => {
  const data = join(folder, 'aggregates');
  await cp(closed, data, { recursive: true });
  const path = await partOf(data, 0);
  const bytes = await readFile(path);
  // The first block: f64, 400 samples that count up; its body begins with CRC and flags, and its
  // aggregates follow (docs/formats/block.md).
  const row = (await checkedRows(data)).find(({ name }) => path.endsWith(name))!;
  const [block] = await blocksOf(path, row);
  const { offset, sizeBytes, kind, count } = block!;
  const flags = bytes[offset + 4]!;
  bytes[offset + 4] = flags ^ BLOCK_FLAG.noReset;
  const crc = crc32c(
    Uint8Array.of(kind, count & 255, count >> 8),
    crc32c(bytes.subarray(offset + 4, offset + sizeBytes)),
  );
  bytes.writeUInt32LE(crc, offset);
  await writeFile(path, bytes);
  const { code, stdout } = await runCtl(['check', 'data', data]);
  assert.equal(code, 4, stdout);
  assert.match(stdout, new RegExp(`at ${offset}: block of .*: its flags say`));
});
