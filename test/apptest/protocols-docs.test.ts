// Commands of docs/protocols/*.md do what they say when they are pasted: each `sh` block that asks
// a server with curl is run against one, and curl fails where the server refuses.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { startOrrery } from './harness.ts';

const DOCS = join(import.meta.dirname, '../../docs');
const PAGES = [
  'protocols/csv',
  'protocols/influx',
  'protocols/json-lines',
  'protocols/opentsdb',
  'protocols/prometheus-text',
  'protocols/pushgateway',
  'protocols/warp10',
];
const run = promisify(execFile);

/** With the server's address instead of the usual one. */
async function blocksOf(page: string, port: number): Promise<readonly string[]> {
  const text = await readFile(join(DOCS, `${page}.md`), 'utf8');
  return [...text.matchAll(/^```sh\n(.*?)^```$/gms)]
    .map((match) => match[1]!.replaceAll(':4332', `:${port}`))
    .filter((block) => /^(?:.*\| ?\n? *)?curl /m.test(block) && !/\borrery /.test(block));
}

test('what is pasted from a page is what the server takes', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-pasted-'));
  const orrery = await startOrrery(['--no-collect']);
  try {
    // The first one on the path is the real one.
    const { stdout } = await run('/bin/sh', ['-c', 'command -v curl']);
    const script = `#!/bin/sh\nexec ${stdout.trim()} --fail-with-body "$@"\n`;
    await writeFile(join(folder, 'curl'), script);
    await chmod(join(folder, 'curl'), 0o755);
    const env = { PATH: `${folder}:${process.env['PATH'] ?? ''}`, LANG: 'C.UTF-8' };
    assert.equal((await orrery.post('/write', 'up,job=old value=1')).status, 204);
    for (const page of PAGES) {
      const blocks = await blocksOf(page, orrery.port);
      assert.ok(blocks.length > 0, page);
      for (const block of blocks)
        // -e: each line of a block, not only the last.
        await run('/bin/bash', ['-e', '-o', 'pipefail', '-c', block], { cwd: folder, env }).catch(
          (error: unknown) => assert.fail(`${page}: ${block}\n${JSON.stringify(error)}`),
        );
    }
    const { text } = await orrery.get('/orrery/v1/refused-lines');
    assert.equal((JSON.parse(text) as { count: number }).count, 0, text);
    for (const name of ['temp', 'temperature_celsius', 'sys.cpu.user', 'io.test.temperature']) {
      const series = await orrery.get(
        `/api/v1/series?match[]=${encodeURIComponent(`{${JSON.stringify(name)}}`)}&start=0`,
      );
      assert.match(series.text, /__name__/, name);
    }
  } finally {
    await orrery.stop();
    await rm(folder, { recursive: true, force: true });
  }
});
