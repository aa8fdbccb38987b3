// Snapshots, backups and restores of a real server: while it takes writes, again and again into one
// folder, after kills, to a folder that serves what was there. The commands are those of
// docs/operations/backup.md.
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCtl, runOrrery, startCtl, startOrrery } from './harness.ts';
import type { RunningOrrery } from './harness.ts';

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-backup-'));
  try {
    await body(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function write(orrery: RunningOrrery, from: number, count: number): Promise<void> {
  const lines = Array.from({ length: count }, (_, i) => `kept v=${from + i}i ${1e9 + from + i}`);
  const answer = await orrery.post('/write?precision=s', lines.join('\n'));
  assert.equal(answer.status, 204, answer.text);
}

/** Values of the one series; they count up from 0 without gaps. */
async function valueCount(orrery: RunningOrrery): Promise<number> {
  const { text } = await orrery.get('/api/v1/export?match[]=kept_v');
  const values = text
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line) => (JSON.parse(line) as { values: number[] }).values);
  for (const [i, value] of values.entries()) assert.equal(value, i, 'no gap and nothing invented');
  return values.length;
}

async function servedCount(data: string): Promise<number> {
  const orrery = await startOrrery(['--no-collect', '--data', data]);
  try {
    return await valueCount(orrery);
  } finally {
    await orrery.stop();
  }
}

test('a snapshot is a data folder; names are safe; the number is bounded', () =>
  inFolder(async (folder) => {
    const data = join(folder, 'data');
    const orrery = await startOrrery(['--no-collect', '--data', data]);
    try {
      await write(orrery, 0, 10);
      const api = '/orrery/v1/admin/snapshot';
      const taken = JSON.parse((await orrery.post(api, '')).text) as { name: string };
      const path = '/api/v1/admin/tsdb/snapshot';
      await write(orrery, 10, 5);
      const withoutHead = await orrery.get(`${path}?skip_head=true`, { method: 'PUT' });
      const prometheus = JSON.parse((await orrery.post(path, '')).text) as {
        status: string;
        data: { name: string };
      };
      assert.equal(prometheus.status, 'success');
      await write(orrery, 15, 5);
      const bad = await orrery.post(`${path}?skip_head=maybe`, '');
      assert.equal(bad.status, 400);
      const skipped = (JSON.parse(withoutHead.text) as typeof prometheus).data.name;
      const expected = { [taken.name]: 10, [skipped]: 10, [prometheus.data.name]: 15 };
      const listed = JSON.parse((await orrery.get(api)).text) as { snapshots: { name: string }[] };
      assert.deepEqual(
        listed.snapshots.map(({ name }) => name).toSorted(),
        Object.keys(expected).toSorted(),
      );
      for (const [name, count] of Object.entries(expected))
        assert.equal(await servedCount(join(data, 'snapshots', name)), count, name);
      for (const name of ['x', encodeURIComponent('../blobs'), `${taken.name}x`, '%2e%2e%2f'])
        assert.equal((await orrery.get(`${api}/${name}`, { method: 'DELETE' })).status, 404, name);
      const files = `${api}/${taken.name}/files`;
      const secret = encodeURIComponent('../../catalog.sqlite');
      assert.equal((await orrery.get(`${files}/${secret}`)).status, 404);
      assert.equal((await orrery.get(`${files}/snapshot.json`)).status, 200);
      await writeFile(join(data, 'snapshots', taken.name, 'snapshot.json'), '{');
      const damaged = await orrery.get(`${api}/${taken.name}`);
      assert.match(damaged.text, /"problem":"'.*snapshot\.json' is not readable/);
      assert.equal((await orrery.get(api)).status, 200);
      for (const name of Object.keys(expected))
        assert.equal((await orrery.get(`${api}/${name}`, { method: 'DELETE' })).status, 204);
      assert.deepEqual(await readdir(join(data, 'snapshots')), []);
      for (let i = 0; i < 32; i++) assert.equal((await orrery.post(api, '')).status, 200);
      const over = await orrery.post(api, '');
      assert.equal(over.status, 429);
      assert.match(over.text, /the limit is 32/);
      assert.equal(await valueCount(orrery), 20);
    } finally {
      await orrery.stop();
    }
  }));

test('backups of a server that takes writes share parts and restore to any of them', () =>
  inFolder(async (folder) => {
    const to = join(folder, 'backups');
    const orrery = await startOrrery(['--no-collect', '--data', join(folder, 'data')]);
    const env = { ORRERY_URL: orrery.url };
    const state = { written: 0, isOver: false };
    const writing = (async () => {
      for (; !state.isOver; state.written += 50) await write(orrery, state.written, 50);
    })();
    const backups: { name: string; from: number; to: number }[] = [];
    try {
      for (let i = 0; i < 3; i++) {
        const from = state.written;
        const made = await runCtl(['backup', to, '--json'], { env });
        assert.equal(made.code, 0, made.stderr);
        assert.equal(made.stderr, '');
        const { name, fileCount, copiedFiles } = JSON.parse(made.stdout) as {
          name: string;
          fileCount: number;
          copiedFiles: number;
        };
        backups.push({ name, from, to: state.written + 50 });
        if (i === 1) assert.ok(copiedFiles < fileCount, 'parts that are there are not copied');
        // A merge in between: later backups have other parts, earlier ones keep theirs.
        if (i === 1) await orrery.post('/orrery/v1/admin/compact', '');
      }
      const left = await orrery.get('/orrery/v1/admin/snapshot');
      assert.deepEqual(JSON.parse(left.text), { snapshots: [] }, 'no snapshot is left behind');
    } finally {
      state.isOver = true;
      await writing;
      await orrery.stop();
    }
    const listed = await runCtl(['backup', to, '--list']);
    assert.equal(listed.stdout.trim().split('\n').length, 4, listed.stdout);
    assert.equal((await runCtl(['backup', to, '--verify'])).code, 0);
    for (const [i, { name, from, to: until }] of backups.entries()) {
      const data = join(folder, `restored-${i}`);
      const restored = await runCtl(['restore', to, '--data', data, '--backup', name]);
      assert.equal(restored.code, 0, restored.stderr);
      assert.match(restored.stdout, /all verified/);
      const count = await servedCount(data);
      assert.ok(count >= from && count <= until, `${from} ≤ ${count} ≤ ${until}`);
    }
    const again = await runCtl(['restore', to, '--data', join(folder, 'restored-0')]);
    assert.deepEqual([again.code, again.stdout], [3, '']);
    assert.match(again.stderr, /is not empty/);
  }));

test('a stopped folder, --keep, and what is refused', () =>
  inFolder(async (folder) => {
    const data = join(folder, 'data');
    const to = join(folder, 'backups');
    for (let i = 0; i < 3; i++) {
      const orrery = await startOrrery(['--no-collect', '--data', data]);
      await write(orrery, i * 20, 20);
      if (i === 0) {
        const busy = await runCtl(['backup', to, '--data', data]);
        assert.equal(busy.code, 1);
        assert.match(busy.stderr, /^orrery backup: another orrery process uses/);
      }
      if (i === 1) await orrery.kill();
      else await orrery.stop();
      const made = await runCtl(['backup', to, '--data', data, '--keep', '2']);
      assert.equal(made.code, 0, made.stderr);
      assert.equal(made.stdout.includes('removed '), i === 2);
    }
    const { backups } = JSON.parse((await runCtl(['backup', to, '--list', '--json'])).stdout) as {
      backups: { name: string }[];
    };
    assert.equal(backups.length, 2);
    for (const [i, { name }] of backups.entries()) {
      const restored = join(folder, `r${i}`);
      await runCtl(['restore', to, '--data', restored, '--backup', name]);
      assert.equal(await servedCount(restored), 40 + i * 20);
    }
    const nothing = await runCtl(['restore', to, '--data', join(folder, 'x'), '--backup', 'no']);
    assert.equal(nothing.code, 3);
    assert.match(nothing.stderr, /has no such backup: it holds 2/);
    const elsewhere = await runCtl(['backup', data, '--data', data]);
    assert.equal(elsewhere.code, 3);
    assert.match(elsewhere.stderr, /neither empty nor a backup folder/);
    const noServer = await runCtl(['backup', to, '--url', 'http://127.0.0.1:9']);
    assert.equal(noServer.code, 1);
    assert.match(noServer.stderr, /no answer from http:\/\/127\.0\.0\.1:9/);
    assert.equal((await runCtl(['backup', to, '--keep', '0'])).code, 2);
  }));

/** Kills a command as soon as `isTime` says so; where it was faster, starts over without `made`. */
async function killInTheMiddle(
  args: readonly string[],
  made: string,
  isTime: () => Promise<boolean>,
): Promise<void> {
  for (let attempt = 0; attempt < 10; attempt++) {
    const child = startCtl(args, {});
    while (!child.hasEnded() && !(await isTime()));
    if (await child.kill()) return;
    await rm(made, { recursive: true, force: true });
  }
  assert.fail('the command always ended before it could be killed');
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}

test('killed backups and restores go on, and leave nothing that counts as one', () =>
  inFolder(async (folder) => {
    const data = join(folder, 'data');
    const to = join(folder, 'backups');
    const orrery = await startOrrery(['--no-collect', '--data', data]);
    const url = ['--url', orrery.url];
    try {
      for (let i = 0; i < 40; i++) {
        await write(orrery, i * 100, 100);
        await orrery.post('/orrery/v1/admin/flush', '');
      }
      const backup = ['backup', to, ...url];
      await killInTheMiddle(backup, to, () => exists(join(to, '.progress')));
      const empty = await runCtl(['backup', to, '--list', '--json']);
      assert.deepEqual(JSON.parse(empty.stdout), { backups: [] });
      const snapshots = JSON.parse((await orrery.get('/orrery/v1/admin/snapshot')).text) as {
        snapshots: unknown[];
      };
      assert.equal(snapshots.snapshots.length, 1, 'its snapshot is left for now');
      const before = (await readFile(join(to, '.progress'), 'utf8')).trim().split('\n').length;
      const made = await runCtl(['backup', to, ...url, '--json']);
      assert.equal(made.code, 0, made.stderr);
      const { fileCount, copiedFiles } = JSON.parse(made.stdout) as Record<string, number>;
      assert.ok(
        fileCount! - copiedFiles! >= before - 1,
        'what had been copied is not copied again',
      );
      const after = await orrery.get('/orrery/v1/admin/snapshot');
      assert.deepEqual(JSON.parse(after.text), { snapshots: [] });
    } finally {
      await orrery.stop();
    }
    const target = join(folder, 'restored');
    const restore = ['restore', to, '--data', target];
    const parts = join(target, '.restoring/blobs/parts/0');
    await killInTheMiddle(restore, target, () => exists(parts));
    const refused = await runOrrery(['serve', '--data', target, '--http', '127.0.0.1:0']);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /holds a restore that did not end/);
    assert.equal((await runCtl(restore)).code, 0);
    assert.equal(await servedCount(target), 4000);
  }));

test('a server that is killed in the middle of a backup', () =>
  inFolder(async (folder) => {
    const args = ['--no-collect', '--data', join(folder, 'data')];
    const to = join(folder, 'backups');
    let orrery = await startOrrery(args);
    for (let i = 0; i < 30; i++) {
      await write(orrery, i * 100, 100);
      await orrery.post('/orrery/v1/admin/flush', '');
    }
    const running = runCtl(['backup', to, '--url', orrery.url]);
    while (!(await exists(join(to, '.progress'))));
    await orrery.kill();
    const failed = await running;
    // Whoever was faster: what failed says so, and leaves nothing that counts as a backup.
    const isDone = failed.code === 0;
    if (!isDone) assert.match(failed.stderr, /^orrery backup: (?:no answer from|http)/m);
    const { backups } = JSON.parse((await runCtl(['backup', to, '--list', '--json'])).stdout) as {
      backups: unknown[];
    };
    assert.equal(backups.length, isDone ? 1 : 0);
    orrery = await startOrrery(args);
    try {
      assert.equal(await valueCount(orrery), 3000);
      const again = await runCtl(['backup', to, '--url', orrery.url, '--keep', '1']);
      assert.equal(again.code, 0, again.stderr);
    } finally {
      await orrery.stop();
    }
    const restored = join(folder, 'restored');
    assert.equal((await runCtl(['restore', to, '--data', restored])).code, 0);
    assert.equal(await servedCount(restored), 3000);
  }));

test('damage in a backup folder is found, named and never restored', () =>
  inFolder(async (folder) => {
    const to = join(folder, 'backups');
    const orrery = await startOrrery(['--no-collect', '--data', join(folder, 'data')]);
    await write(orrery, 0, 100);
    const url = ['--url', orrery.url];
    assert.equal((await runCtl(['backup', to, ...url])).code, 0);
    await orrery.stop();
    const parts = join(to, 'blobs/parts/0');
    const [part] = await readdir(parts);
    const path = join(parts, part!);
    const sound = await readFile(path);
    const flipped = Buffer.from(sound);
    flipped[flipped.length >> 1]! ^= 4;
    await writeFile(path, flipped);
    const verified = await runCtl(['backup', to, '--verify']);
    assert.equal(verified.code, 4);
    assert.ok(verified.stdout.includes(path), verified.stdout);
    const target = join(folder, 'restored');
    const restored = await runCtl(['restore', to, '--data', target]);
    assert.equal(restored.code, 4);
    assert.ok(restored.stderr.includes(path), restored.stderr);
    assert.deepEqual(await readdir(target), ['.restoring']);
    await writeFile(path, sound);
    assert.equal((await runCtl(['restore', to, '--data', target])).code, 0);
    const [name] = await readdir(join(to, 'backups'));
    const manifest = join(to, 'backups', name!, 'manifest.json');
    const text = await readFile(manifest, 'utf8');
    await writeFile(manifest, text.replace('"sizeBytes":', '"sizeBytes":1'));
    const listed = await runCtl(['backup', to, '--list']);
    assert.equal(listed.code, 4);
    assert.match(listed.stdout, /its checksum is wrong/);
    const other = await runCtl(['restore', to, '--data', join(folder, 'other')]);
    assert.equal(other.code, 4);
    assert.match(other.stderr, /manifest\.json' is damaged/);
  }));
