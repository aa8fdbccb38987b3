// Entry point of every `orrery` command but `serve`.
import { enableCompileCache } from 'node:module';

enableCompileCache();
const { runCommand } = await import('./commands.ts');
process.exitCode = await runCommand(process.argv.slice(2), {
  env: process.env,
  isTerminal: process.stdout.isTTY,
  columns: process.stdout.columns ?? 100,
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
});
