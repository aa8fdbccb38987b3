// Builds the senders in Go that `npm run test:peers` starts, where they are not there yet, so that
// its deadline does not have to hold for compilers. Usage: node tools/senders.ts
import { availableParallelism } from 'node:os';
import { GO_PROGRAMS, goProgram } from '../test/support/go-programs.ts';

for (const name of GO_PROGRAMS) {
  const startMs = performance.now();
  const program = await goProgram(name, { packagesAtOnce: availableParallelism() });
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  process.stdout.write(`${name} ready after ${seconds} s: ${program}\n`);
}
