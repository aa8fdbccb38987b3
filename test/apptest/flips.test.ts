// One flipped bit, anywhere in any file of a data folder: never a value that was not written, the
// right file named, everything else readable. Each flip is looked at twice: by `orrery check data`
// and by opening the folder as the server does and reading every series.
// docs/operations/failures.md says what is asserted here.
import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { runCommand } from '../../src/app/ctl/commands.ts';
import { AppError } from '../../src/model/errors.ts';
import { errorMessage, FatalError } from '../../src/stdx/assert.ts';
import { randomInt, seededPrng } from '../../src/stdx/prng.ts';
import { runOrrery, startOrrery } from './harness.ts';
import { makeSmallStore, openStore, readStore, stepOf } from '../support/small-store.ts';
import type { StoreContent } from '../support/small-store.ts';

const FLIPS = Number(process.env['ORRERY_FLIPS'] ?? 6);

let folder = '';
let closed = '';
let killed = '';
/** Killed with a head snapshot. */
let snapped = '';
let truth: StoreContent;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orrery-flips-'));
  closed = join(folder, 'closed');
  killed = join(folder, 'killed');
  await makeSmallStore(closed, killed);
  snapped = join(folder, 'snapped');
  await makeSmallStore(join(folder, 'other'), snapped, { withHeadSnapshot: true });
  truth = await contentOf(closed);
  assert.equal(truth.size, 20);
  for (const points of truth.values()) assert.equal(typeof points, 'string');
  const afterKill = await contentOf(killed);
  for (const [name, points] of truth) assert.ok(afterKill.get(name) === points, name);
});

after(() => rm(folder, { recursive: true, force: true }));

/** Opens a copy, because opening writes. */
async function contentOf(data: string, events: string[] = []): Promise<StoreContent> {
  const copy = await mkdtemp(join(folder, 'copy-'));
  await cp(data, copy, { recursive: true });
  const opened = await openStore(copy);
  try {
    return await readStore(opened);
  } finally {
    for (const { kind } of opened.events) events.push(kind);
    await opened.storage.close();
    await rm(copy, { recursive: true });
  }
}

interface Finding {
  readonly severity: string;
  readonly file: string;
  readonly offset?: number;
  readonly what: string;
}

async function check(data: string): Promise<{ code: number; findings: readonly Finding[] }> {
  let out = '';
  const terminal = {
    env: {},
    isTerminal: false,
    columns: 100,
    out: (text: string) => (out += text),
    err: (text: string) => assert.fail(text),
    outBytes: () => assert.fail('nothing long'),
    stdin: Readable.from([]),
  };
  const code = await runCommand(['check', 'data', data, '--json'], terminal);
  const { findings } = JSON.parse(out) as { findings: readonly Finding[] };
  return { code, findings };
}

interface Flip {
  readonly data: string;
  /** The flipped file. */
  readonly file: string;
  readonly bit: number;
  readonly findings: readonly Finding[];
  readonly code: number;
  /** What reading gave, or why the folder was refused. */
  readonly read: StoreContent | Error;
  /** Kinds of what the storage reported. */
  readonly events: readonly string[];
}

interface Region {
  readonly start: number;
  readonly end: number;
}

/** Flips bits of one file of a folder, one after the other, and hands over what came of each. */
async function flips(
  data: string,
  name: string,
  region: Region,
  judge: (flip: Flip) => void,
  seed = 1,
): Promise<void> {
  const prng = seededPrng(seed);
  const file = join(data, name);
  const sound = await readFile(file);
  try {
    for (let i = 0; i < FLIPS; i++) {
      const bit = region.start * 8 + randomInt(prng, (region.end - region.start) * 8);
      const bytes = Buffer.from(sound);
      bytes[bit >>> 3]! ^= 1 << (bit & 7);
      await writeFile(file, bytes);
      const { code, findings } = await check(data);
      let read: StoreContent | Error;
      const events: string[] = [];
      try {
        read = await contentOf(data, events);
      } catch (error) {
        read = error as Error;
      }
      judge({ data, file, bit, findings, code, read, events });
    }
  } finally {
    await writeFile(file, sound);
  }
}

function said({ file, bit, code, findings, read }: Flip): string {
  const shown = read instanceof Error ? read.message : 'opened';
  return `${file} bit ${bit} (byte ${bit >>> 3}): ${code} ${JSON.stringify(findings)} ${shown}`;
}

/** Nothing that was not written, whatever was lost. */
function neverWrong(flip: Flip): void {
  if (flip.read instanceof Error) return;
  for (const [series, points] of flip.read) {
    if (typeof points !== 'string') continue;
    const written = truth.get(series) as string;
    // Of the lists of metadata, exemplars and attributes rows may be missing, not other.
    const isPart = stepOf(series) === 'metadata' ? isSubset(points, written) : points === written;
    assert.ok(isPart, said(flip));
  }
}

function isSubset(part: string, whole: string): boolean {
  const lists = (text: string) => JSON.parse(text) as unknown[][];
  const rows = lists(whole).map((list) => new Set(list.map((row) => JSON.stringify(row))));
  return lists(part).every((list, i) => list.every((row) => rows[i]!.has(JSON.stringify(row))));
}

function isWhole({ read }: Pick<Flip, 'read'>): boolean {
  if (read instanceof Error) return false;
  return [...truth].every(([series, points]) => read.get(series) === points);
}

/** Damage that costs something is found, and the flipped file is the one named. */
function named(flip: Flip): void {
  const { file, findings, code } = flip;
  for (const finding of findings) assert.equal(finding.file, file, said(flip));
  if (!isWhole(flip)) assert.ok(findings.length > 0, said(flip));
  const isDamage = findings.some(({ severity }) => severity === 'damage');
  assert.equal(code, isDamage ? 4 : 0, said(flip));
}

async function partsOf(data: string): Promise<readonly string[]> {
  const folderOfParts = join(data, 'blobs/parts/0');
  return (await readdir(folderOfParts)).map((name) => `blobs/parts/0/${name}`);
}

/** Directory and footer of a part, from its footer. */
async function regionsOf(path: string): Promise<Readonly<Record<string, Region>>> {
  const bytes = await readFile(path);
  const footer = bytes.length - 64;
  const directory = bytes.readDoubleLE(footer + 16);
  return {
    head: { start: 0, end: 16 },
    'blocks and sections': { start: 16, end: directory },
    directory: { start: directory, end: footer },
    footer: { start: footer, end: bytes.length },
  };
}

for (const region of ['head', 'blocks and sections', 'directory', 'footer'])
  test(`part: ${region}`, async () => {
    for (const part of await partsOf(closed)) {
      const regions = await regionsOf(join(closed, part));
      let noticed = 0;
      await flips(closed, part, regions[region]!, (flip) => {
        neverWrong(flip);
        named(flip);
        noticed += flip.findings.length;
        assert.ok(!(flip.read instanceof Error), said(flip));
        const failed = [...flip.read].filter(([, points]) => typeof points !== 'string');
        for (const [, points] of failed)
          assert.ok(JSON.stringify(points).includes(part.slice('blobs/'.length)), said(flip));
        // Other parts hold other times: what asks for those does not notice.
        const steps = new Set(failed.map(([series]) => stepOf(series)));
        steps.delete('metadata');
        assert.ok(steps.size <= 1, said(flip));
        for (const [series, points] of truth)
          if (!steps.has(stepOf(series)) && stepOf(series) !== 'metadata')
            assert.ok(flip.read.get(series) === points, said(flip));
      });
      assert.ok(noticed > 0, `${part}: some flips were noticed`);
    }
  });

test('head snapshot: named, and nothing is lost', async () => {
  const [name] = await readdir(join(snapped, 'blobs/head/0'));
  const head = `blobs/head/0/${name}`;
  assert.ok(isWhole({ read: await contentOf(snapped) }));
  let reported = 0;
  await fileFlips(snapped, head, (flip) => {
    named(flip);
    assert.ok(isWhole(flip), said(flip));
    assert.equal(flip.findings.length, 1, said(flip));
    assert.equal(flip.findings[0]!.severity, 'warning', said(flip));
    assert.deepEqual(flip.events, ['head-snapshot-damaged'], said(flip));
    reported++;
  });
  assert.equal(reported, FLIPS);
});

async function segmentOf(data: string): Promise<{ name: string; usedBytes: number }> {
  for (const name of await readdir(join(data, 'log'))) {
    const bytes = await readFile(join(data, 'log', name));
    const used = bytes.findLastIndex((byte) => byte !== 0) + 1;
    if (bytes.toString('latin1', 4096, 4100) === 'OFRM')
      return { name: `log/${name}`, usedBytes: used };
  }
  throw new Error('no segment with frames');
}

const LOG_REGIONS: Readonly<Record<string, (usedBytes: number) => Region>> = {
  'header, copy A': () => ({ start: 0, end: 64 }),
  'header, copy B': () => ({ start: 2048, end: 2112 }),
  mark: () => ({ start: 1024, end: 1056 }),
  'frame header': () => ({ start: 4096, end: 4128 }),
  frames: (usedBytes) => ({ start: 4096, end: usedBytes }),
};

for (const [what, region] of Object.entries(LOG_REGIONS))
  test(`log: ${what}`, async () => {
    const { name, usedBytes } = await segmentOf(killed);
    await flips(killed, name, region(usedBytes), (flip) => {
      neverWrong(flip);
      named(flip);
      assert.ok(!(flip.read instanceof Error), said(flip));
      for (const [series, points] of truth)
        if (!['logged', 'metadata'].includes(stepOf(series)))
          assert.ok(flip.read.get(series) === points, said(flip));
      if (what.startsWith('header') || what === 'mark') assert.ok(isWhole(flip), said(flip));
    });
  });

for (const [state, data] of [
  ['after a stop', () => closed],
  ['after a kill', () => killed],
] as const)
  test(`catalog ${state}`, () =>
    fileFlips(data(), 'catalog.sqlite', (flip) => {
      if (!(flip.read instanceof Error)) return assert.ok(isWhole(flip), said(flip));
      assert.ok(flip.read instanceof FatalError, said(flip));
      assert.match(flip.read.message, /catalog\.sqlite|the catalog says/, said(flip));
      assert.equal(flip.code, 4, said(flip));
    }));

async function fileFlips(data: string, name: string, judge: (flip: Flip) => void): Promise<void> {
  const end = (await stat(join(data, name))).size;
  await flips(data, name, { start: 0, end }, (flip) => {
    neverWrong(flip);
    judge(flip);
  });
}

test('the catalog’s write-ahead log: an older state is refused or made up for by the log', () =>
  fileFlips(killed, 'catalog.sqlite-wal', (flip) => {
    if (!(flip.read instanceof Error)) return assert.ok(isWhole(flip), said(flip));
    assert.ok(flip.read instanceof FatalError || flip.read instanceof AppError, said(flip));
    assert.ok(
      flip.findings.some(({ file }) => file === flip.file),
      said(flip),
    );
  }));

test('an object that was never finished is removed by the start, whatever is in it', async () => {
  await mkdir(join(closed, 'blobs/.tmp'), { recursive: true });
  const path = join(closed, 'blobs/.tmp/0000000000');
  await writeFile(path, Buffer.alloc(1000, 7));
  try {
    await fileFlips(closed, 'blobs/.tmp/0000000000', (flip) => {
      assert.ok(isWhole(flip), said(flip));
      assert.equal(flip.findings.length, 1, said(flip));
      named(flip);
    });
  } finally {
    await rm(path);
  }
});

async function command(args: readonly string[]): Promise<{ code: number; out: string }> {
  let out = '';
  const tell = (text: string) => (out += text);
  const streams = { outBytes: () => assert.fail('nothing long'), stdin: Readable.from([]) };
  const terminal = { env: {}, isTerminal: false, columns: 100, out: tell, err: tell, ...streams };
  return { code: await runCommand(args, terminal), out };
}

test('backup: any file of it, and what --verify and a restore say', async () => {
  const to = join(folder, 'backups');
  assert.equal((await command(['backup', to, '--data', closed])).code, 0);
  const prng = seededPrng(3);
  const entries = await readdir(to, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  for (const entry of files) {
    const path = join(entry.parentPath, entry.name);
    const sound = await readFile(path);
    const used = Math.min(sound.length, sound.findLastIndex((byte) => byte !== 0) + 1);
    for (let i = 0; i < Math.ceil(FLIPS / 3); i++) {
      const bytes = Buffer.from(sound);
      const bit = randomInt(prng, used * 8);
      bytes[bit >>> 3]! ^= 1 << (bit & 7);
      await writeFile(path, bytes);
      const verified = await command(['backup', to, '--verify']);
      const restored = await command(['restore', to, '--data', join(folder, 'restored')]);
      await rm(join(folder, 'restored'), { recursive: true, force: true });
      // A blank more or another white space in the marker means the same.
      if (entry.name === 'orrery-backup.json' && verified.code === 0) continue;
      for (const { code, out } of [verified, restored]) {
        assert.ok(code === 3 || code === 4, `${path} bit ${bit}: ${code} ${out}`);
        assert.ok(out.includes(path), `${path} bit ${bit}: ${out}`);
      }
    }
    await writeFile(path, sound);
  }
  assert.equal((await command(['backup', to, '--verify'])).code, 0);
});

test('a real server answers with the place, or says why it does not start', async () => {
  const part = (await partsOf(closed)).find((name) => name.includes('-l0-'));
  const data = join(folder, 'served');
  const flipped = async (name: string, places: (bytes: Buffer) => number[]): Promise<void> => {
    await rm(data, { recursive: true, force: true });
    await cp(closed, data, { recursive: true });
    const bytes = await readFile(join(data, name));
    for (const at of places(bytes)) bytes[at]! ^= 16;
    await writeFile(join(data, name), bytes);
  };
  await flipped(part!, () => [60]);
  const orrery = await startOrrery(['--no-collect', '--data', data]);
  try {
    const names = ['merged', 'flushed', 'logged'];
    const answers = await Promise.all(
      names.map((name, day) => {
        const time = 1_700_006_000 + day * 86_400;
        return orrery.get(`/api/v1/query?query=${name}[2h]&time=${time}`);
      }),
    );
    const failed = answers.filter(({ status }) => status !== 200);
    assert.equal(failed.length, 1, answers.map(({ text }) => text.slice(0, 300)).join('\n'));
    assert.ok(failed[0]!.text.includes(part!.slice('blobs/'.length)), failed[0]!.text);
    assert.match(failed[0]!.text, /block at \d+/);
  } finally {
    await orrery.stop();
  }
  // Every copy of a part's row, those of freed pages too.
  await flipped('catalog.sqlite', (bytes) => {
    const places: number[] = [];
    for (let at = bytes.indexOf('seqMax'); at >= 0; at = bytes.indexOf('seqMax', at + 1))
      places.push(at);
    return places;
  });
  const refused = await runOrrery(['serve', '--data', data, '--http', '127.0.0.1:0']);
  assert.equal(refused.code, 1, errorMessage(refused.stdout));
  assert.match(refused.stderr, /^orrery: the catalog '.*catalog\.sqlite' is damaged .*\n$/);
});
