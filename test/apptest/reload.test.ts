// Configuration that changes while the server runs: by POST /-/reload, by SIGHUP, and by itself
// when a file changes; a mistake changes nothing. With one thread that writes and with several.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startOrrery } from './harness.ts';
import type { RunningOrrery } from './harness.ts';

const DEADLINE_MS = 30_000;

/** Every series gets the label `rules` with this value. */
function rules(name: string): string {
  return `metric_relabel_configs:\n- target_label: rules\n  replacement: ${name}\n`;
}

/** Writes `sent{n=…}` again and again until it is stored with the label `rules` as it should be. */
async function untilRuled(server: RunningOrrery, n: number, name: string): Promise<void> {
  const query = encodeURIComponent(`sent{n="${n}",rules="${name}"}`);
  const end = Date.now() + DEADLINE_MS;
  for (;;) {
    assert.equal((await write(server, n)).status, 204);
    const { text } = await server.get(`/api/v1/query?query=${query}`);
    const { data } = JSON.parse(text) as { data: { result: unknown[] } };
    if (data.result.length === 1) return;
    assert.ok(Date.now() < end, `${name}: ${text}`);
    await sleep(100);
  }
}

function write(server: RunningOrrery, n: number) {
  return server.post('/write', `sent,n=${n} value=1`, { headers: { Connection: 'close' } });
}

async function metric(server: RunningOrrery, name: string): Promise<number> {
  const { text } = await server.get('/metrics');
  const [, value] = new RegExp(`^${name} (.*)$`, 'm').exec(text) ?? [];
  return Number(value);
}

for (const shards of ['1', '3'])
  test(`rules of the file are read again while it runs, ${shards} shards`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'orrery-reload-'));
    const file = join(folder, 'relabel.yml');
    await writeFile(file, rules('first'));
    const server = await startOrrery([
      '--no-collect',
      '--shards',
      shards,
      `--relabel-config=${file}`,
    ]);
    try {
      await untilRuled(server, 1, 'first');
      const started = await metric(server, 'orrery_config_last_reload_success_timestamp_seconds');
      await writeFile(file, rules('second'));
      const asked = await server.post('/-/reload', '');
      assert.deepEqual([asked.status, asked.text], [200, '']);
      // In force when it is answered, also for a series whose bytes are known.
      assert.equal((await write(server, 1)).status, 204);
      const query = encodeURIComponent('count(sent{n="1",rules="second"})');
      const { text } = await server.get(`/api/v1/query?query=${query}`);
      assert.match(text, /"1"\]/);
      const reloaded = await metric(server, 'orrery_config_last_reload_success_timestamp_seconds');
      assert.ok(reloaded > started);
      await writeFile(file, '- action: drop\n  regex: (\n');
      const refused = await server.get('/-/reload', { method: 'PUT' });
      assert.equal(refused.status, 500);
      assert.match(
        refused.text,
        /^failed to reload config: --relabel-config .*: line 2, column 10: .*missing/,
      );
      assert.equal(await metric(server, 'orrery_config_last_reload_successful'), 0);
      await untilRuled(server, 2, 'second');
      await writeFile(file, rules('third'));
      process.kill(server.pid, 'SIGHUP');
      await untilRuled(server, 3, 'third');
      assert.equal(await metric(server, 'orrery_config_last_reload_successful'), 1);
      await writeFile(file, rules('fourth'));
      await untilRuled(server, 4, 'fourth');
      const exited = await server.stop();
      assert.equal(exited.code, 0, exited.stdout + exited.stderr);
    } finally {
      await server.kill();
      await rm(folder, { recursive: true, force: true });
    }
  });

test('a server without such files has nothing to read and says so by 200', async () => {
  const server = await startOrrery(['--no-collect']);
  try {
    assert.equal((await server.post('/-/reload', '')).status, 200);
    assert.equal((await server.get('/-/reload')).status, 405);
  } finally {
    await server.stop();
  }
});
