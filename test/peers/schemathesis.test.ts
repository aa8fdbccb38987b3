// PyPI's schemathesis asks a running server what its OpenAPI document allows, and what it does not:
// no answer is a server error or of another form than described, what is wrong is refused, what is
// right is taken. Installed into a temporary folder, with an exact version.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { startOrrery } from '../apptest/harness.ts';
import type { RunningOrrery } from '../apptest/harness.ts';

const run = promisify(execFile);

let folder: string;
let orrery: RunningOrrery;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orrery-schemathesis-'));
  const pip = ['-m', 'pip', 'install', '--quiet', '--target', join(folder, 'python')];
  await run('python3', [...pip, 'schemathesis==4.32.5'], { cwd: folder });
  orrery = await startOrrery(['--no-collect']);
});

after(async () => {
  await orrery.stop();
  await rm(folder, { recursive: true, force: true });
});

/** What it printed; fails with it where it found something. */
async function checked(...more: readonly string[]): Promise<string> {
  const program = join(folder, 'python/bin/schemathesis');
  const document = `${orrery.url}/orrery/v1/openapi.json`;
  // Resources are not followed from answer to answer: a revoked token can still be looked at, and
  // the id of a tenant is not its name.
  const phases = ['--phases', 'examples,coverage,fuzzing', '--max-examples', '20', '--seed', '1'];
  const fixed = ['--no-color', '--generation-database', 'none', '--continue-on-failure'];
  const args = [program, 'run', document, ...phases, ...fixed, ...more];
  const env = { ...process.env, PYTHONPATH: join(folder, 'python') };
  try {
    const { stdout } = await run('python3', args, { cwd: folder, env, maxBuffer: 1 << 26 });
    return stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    assert.fail(`${stdout.slice(-8000)}\n${stderr.slice(-2000)}`);
  }
}

test('every operation keeps to its description', { timeout: 240_000 }, async () => {
  const rest = await checked('--exclude-operation-id', 'createToken');
  assert.match(rest, /Tested: 21/);
  // Selectors, and fields that depend on each other, are more than the document can say.
  await writeFile(join(folder, 'schemathesis.toml'), '[parameters]\n"path.tenant" = "default"\n');
  const only = ['--include-operation-id', 'createToken'];
  const tokens = await checked(...only, '--exclude-checks', 'positive_data_acceptance');
  assert.match(tokens, /Tested: 1\b/);
  const { text } = await orrery.get('/orrery/v1/tenants/default');
  const { tokens: count } = JSON.parse(text) as { tokens: number };
  assert.ok(count > 5, text);
  const audit = await orrery.get('/orrery/v1/audit?action=tenant.create');
  const { rows } = JSON.parse(audit.text) as { rows: readonly object[] };
  assert.ok(rows.length > 1, audit.text);
});
