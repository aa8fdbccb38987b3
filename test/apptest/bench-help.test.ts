// Benches of tenants say what they measure when they are asked, and measure nothing then.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

const BENCHES = join(import.meta.dirname, '../../bench');

for (const name of ['tenancy', 'neighbour', 'authenticate', 'active-series'])
  test(`${name} answers --help`, { timeout: 60_000 }, async () => {
    const args = [join(BENCHES, `${name}.ts`), '--help'];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    assert.match(stdout, /--(?:rounds|requests) N/);
    assert.ok(stdout.split('\n').length > 3 && !stdout.includes('//'), stdout);
  });
