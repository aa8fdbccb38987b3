// The commands of docs/operations/*.md do what the page says: every line of every `sh` block is run
// in the order of the page, against a real server and real folders. Those of docs/protocols/*.md
// are in protocols-docs.test.ts.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startOrrery } from './harness.ts';

const ROOT = join(import.meta.dirname, '../..');

/** Commands of the `sh` blocks of a page below `docs`. */
async function commandsOf(page: string): Promise<readonly string[]> {
  const text = await readFile(join(ROOT, 'docs', page), 'utf8');
  const blocks = [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map((match) => match[1]!);
  return blocks.flatMap((block) => block.trim().split('\n'));
}

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

async function shell(command: string, cwd: string): Promise<Ended> {
  const env = { PATH: `${cwd}/bin:${process.env['PATH'] ?? ''}`, HOME: cwd, LANG: 'C.UTF-8' };
  const child = spawn('/bin/sh', ['-c', command], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

/** Runs a page in a fresh folder with a server, a stopped folder and `orrery` on the path. */
async function runPage(page: string, check: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-docs-'));
  const stopped = join(folder, 'stopped-data');
  const first = await startOrrery(['--no-collect', '--data', stopped]);
  await first.post('/write?precision=s', 'kept value=1 1750000000');
  await first.stop();
  await cp(stopped, join(folder, 'data'), { recursive: true });
  const orrery = await startOrrery(['--no-collect', '--data', join(folder, 'data')]);
  try {
    await mkdir(join(folder, 'bin'));
    const script = `#!/bin/sh\nexec ${process.execPath} ${join(ROOT, 'src/app/ctl/main.ts')} "$@"\n`;
    await writeFile(join(folder, 'bin/orrery'), script);
    await chmod(join(folder, 'bin/orrery'), 0o755);
    const commands = await commandsOf(page);
    assert.ok(commands.length > 0, 'the page has commands');
    for (const command of commands) {
      const here = command
        .replaceAll('http://127.0.0.1:4332', orrery.url)
        .replaceAll('/backups/', `${folder}/backups/`);
      const url = here.startsWith('orrery') ? `ORRERY_URL=${orrery.url} ` : '';
      const { code, output } = await shell(url + here, folder);
      assert.equal(code, 0, `${command}\n${output}`);
      assert.ok(!output.includes('"error"'), `${command}\n${output}`);
    }
    await check(folder);
  } finally {
    await orrery.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

test('docs/operations/backup.md', () =>
  runPage('operations/backup.md', async (folder) => {
    const data = join(folder, 'restored-data');
    const restored = await startOrrery(['--no-collect', '--data', data]);
    const { text } = await restored.get('/api/v1/export?match[]=kept');
    await restored.stop();
    assert.match(text, /"values":\[1\]/);
  }));

for (const page of [
  'operations/check.md',
  'operations/import-export.md',
  'operations/keeping-house.md',
])
  test(`docs/${page}`, () => runPage(page, async () => undefined));
