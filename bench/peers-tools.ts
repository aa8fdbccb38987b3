// Runs the programs of the peers harness (one load, one exam, any server) from the project's root,
// with the pinned node for Orrery. The harness lies beside the project and is found by relative
// path.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '..');
const HARNESS = resolve(process.env['ORRERY_SHARED'] ?? join(ROOT, '..', 'shared'), 'peers');

/** Exits with a sentence where the harness is not there. */
export function requireHarness(): void {
  if (existsSync(HARNESS)) return;
  console.error(
    'The peers harness is not here: put `shared` beside the project or set ORRERY_SHARED.',
  );
  process.exit(2);
}

/** Runs one program of the harness with inherited output; throws where it fails. */
export async function harness(program: string, args: readonly string[]): Promise<void> {
  const isShell = program.endsWith('.sh');
  const command = isShell ? 'bash' : process.execPath;
  console.log(`\n$ ${program} ${args.join(' ')}`);
  const child = spawn(command, [join(HARNESS, program), ...args], { cwd: ROOT, stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`${program} ended with ${code}`);
}
