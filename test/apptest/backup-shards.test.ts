// A backup of a running server of several shards: whichever of its threads is asked for a file
// hands the question on, and the checksum behind the content comes back with it.
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCtl, startOrrery } from './harness.ts';

const SERIES = 60;

test('a server of three shards is backed up, verified, checked and restored', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-backup-shards-'));
  const to = join(folder, 'backups');
  const restored = join(folder, 'restored');
  const lines = Array.from({ length: SERIES }, (_, i) => `kept,s=s${i} v=${i} 1700000000`);
  const exported = '/api/v1/export?match[]=kept_v&exact=1';
  try {
    const orrery = await startOrrery(['--no-collect', '--shards', '3', '--data', `${folder}/data`]);
    const written = await orrery.post('/write?precision=s', lines.join('\n'));
    assert.equal(written.status, 204, written.text);
    const before = (await orrery.get(exported)).text;
    const made = await runCtl(['backup', to, '--url', orrery.url]);
    await orrery.stop();
    assert.equal(made.code, 0, made.stderr);
    assert.deepEqual(await readdir(join(to, 'blobs/parts')), ['0', '1', '2']);
    for (const args of [
      ['backup', to, '--verify'],
      ['restore', to, '--data', restored],
      ['check', 'data', restored],
    ]) {
      const { code, stderr } = await runCtl(args);
      assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
    }
    const again = await startOrrery(['--no-collect', '--data', restored]);
    const after = (await again.get(exported)).text;
    await again.stop();
    assert.equal(after.trim().split('\n').length, SERIES);
    assert.equal(after, before);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
