// A data folder that cannot be served ends the start with one sentence: what, where, what to do.
import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { makeSmallStore } from '../support/small-store.ts';
import { runCtl, runOrrery, startOrrery } from './harness.ts';

let folder = '';

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orrery-data-folder-'));
  await makeSmallStore(join(folder, 'closed'), join(folder, 'killed'));
});

after(() => rm(folder, { recursive: true, force: true }));

interface Case {
  readonly name: string;
  readonly change: (data: string) => Promise<void>;
  readonly says: RegExp;
}

function replaced(name: string): (data: string) => Promise<void> {
  return async (data) => {
    await rm(join(data, name), { recursive: true, force: true });
    await writeFile(join(data, name), 'x');
  };
}

const CASES: readonly Case[] = [
  { name: 'DATA is a file', change: replaced(''), says: /'[^']*' is a file, where a folder is/ },
  { name: 'the log is a file', change: replaced('log'), says: /log' is a file, where a folder/ },
  { name: 'blobs is a file', change: replaced('blobs'), says: /blobs' is a file, where a folder/ },
  {
    name: 'the catalog is gone, parts are there',
    change: (data) => rm(join(data, 'catalog.sqlite')),
    says: /has parts \('blobs\/parts\/0\/.*\) and no catalog\.sqlite.*: put that file back, or restore/,
  },
  {
    name: 'the catalog is a folder',
    change: async (data) => {
      await rm(join(data, 'catalog.sqlite'));
      await mkdir(join(data, 'catalog.sqlite'));
    },
    says: /cannot write to '.*catalog\.sqlite': EISDIR: .*\(a folder stands where a file is needed\)/,
  },
];

for (const { name, change, says } of CASES)
  test(`${name}: a sentence, and nothing is made`, async () => {
    const data = await mkdtemp(join(folder, 'case-'));
    await cp(join(folder, 'closed'), data, { recursive: true });
    await change(data);
    const names = await readdir(data).catch(() => []);
    const { code, stderr } = await runOrrery(['serve', '--no-collect', '--data', data]);
    assert.match(stderr, says);
    assert.match(stderr, /^orrery: [^\n]*\n$/);
    assert.equal(code, 1);
    assert.deepEqual(await readdir(data).catch(() => []), names);
  });

test('a part is gone: it is named, with what to do', async () => {
  const data = join(folder, 'no-part');
  await cp(join(folder, 'closed'), data, { recursive: true });
  const parts = join(data, 'blobs/parts/0');
  const [part] = await readdir(parts);
  await rm(join(parts, part!));
  const { code, stderr } = await runOrrery(['serve', '--no-collect', '--data', data]);
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`the part parts/0/${part!} is missing .*, or restore a backup`));
});

test('damage inside the log: file and records are in the log of the server', async () => {
  const data = join(folder, 'log-damage');
  await cp(join(folder, 'killed'), data, { recursive: true });
  const names = await readdir(join(data, 'log'));
  const logs = await Promise.all(
    names.map(async (name) => ({ name, bytes: await readFile(join(data, 'log', name)) })),
  );
  const { name, bytes } = logs.find((one) => one.bytes.indexOf('OFRM') === 4096)!;
  const first = bytes.readBigUInt64LE(4096 + 8);
  bytes[4096 + 32 + 20]! ^= 4;
  await writeFile(join(data, 'log', name), bytes);
  const orrery = await startOrrery(['--no-collect', '--data', data]);
  const output = orrery.output();
  await orrery.stop();
  assert.match(output, new RegExp(`${name}: records ${first} to ${first}: checksum mismatch`));
});

test('a file where a command needs a folder is refused in words', async () => {
  const file = join(folder, 'file');
  await writeFile(file, 'x');
  const closed = join(folder, 'closed');
  for (const args of [
    ['check', 'data', file],
    ['backup', file, '--data', closed],
    ['backup', file, '--list'],
    ['backup', join(folder, 'to'), '--data', file],
    ['restore', file, '--data', join(folder, 'restored')],
  ]) {
    const { code, stderr } = await runCtl(args);
    assert.match(stderr, /^orrery \w+: '[^']*file' is a file, where a folder is needed\n$/);
    assert.equal(code, 3);
  }
});
