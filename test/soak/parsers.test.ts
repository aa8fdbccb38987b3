// Every fuzz test of the formats and of the write path again and again, each time with another
// seed: ORRERY_SOAK_MINUTES of them altogether, 30 unless it says so. What fails prints its seed
// and path; it becomes a case of its own beside the parser.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const MINUTES = Number(process.env['ORRERY_SOAK_MINUTES'] ?? 30);
const ROOT = join(import.meta.dirname, '../..');
/** A file takes seconds; one that takes so long does not end. */
const RUN_DEADLINE_MS = 300_000;

const files = [
  'src/formats/**/*.fuzz.test.ts',
  'src/ingest/*.fuzz.test.ts',
  'src/frontends/**/*.fuzz.test.ts',
  'src/codec/*.fuzz.test.ts',
].flatMap((pattern) => globSync(pattern, { cwd: ROOT }));

interface Ending {
  readonly code: unknown;
  readonly text: string;
}

async function run(file: string): Promise<Ending> {
  const env = { ...process.env };
  // Else the child reports to the runner of this file instead of to its own output.
  delete env['NODE_TEST_CONTEXT'];
  const child = spawn(process.execPath, ['--test', file], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: RUN_DEADLINE_MS,
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (text += String(chunk)));
  const [code] = (await once(child, 'close')) as [unknown];
  return { code, text };
}

test('there is something to repeat', () => assert.ok(files.length > 20, files.join(' ')));

for (const file of files)
  test(file, { timeout: 3_600_000 }, async (context) => {
    const endMs = performance.now() + (MINUTES * 60_000) / files.length;
    let runs = 0;
    do {
      const { code, text } = await run(file);
      assert.equal(code, 0, text);
      runs++;
    } while (performance.now() < endMs);
    context.diagnostic(`${runs} runs`);
  });
