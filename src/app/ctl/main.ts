// Entry point of every `orrery` command but `serve`.
import { enableCompileCache } from 'node:module';

enableCompileCache();
// Who reads the results may stop early (`| head`); the write that fails tells its caller.
process.stdout.on('error', () => undefined);
const { runCommand } = await import('./commands.ts');
process.exitCode = await runCommand(process.argv.slice(2), {
  env: process.env,
  isTerminal: process.stdout.isTTY,
  columns: process.stdout.columns ?? 100,
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  outBytes: (bytes) =>
    new Promise((resolve, reject) => {
      process.stdout.write(bytes, (error) => {
        if (error == null) resolve();
        else reject(error);
      });
    }),
  get stdin() {
    return process.stdin;
  },
});
