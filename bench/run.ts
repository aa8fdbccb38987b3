// `npm run bench`: Orrery alone under the loads and questions of the peers harness. Figures go to
// the terminal and, as JSON lines, to the harness' work folder. `npm run bench -- --steps
// node,query` passes options on to its bench program.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { harness, requireHarness } from './peers-tools.ts';
import { answerHelp } from './help.ts';

answerHelp(import.meta.filename);

requireHarness();
const passed = process.argv.slice(2);
await harness('gen.js', []);
await harness('exact.js', ['--server', 'orrery', '--wait', '1']);
await harness('bench.js', ['--servers', 'orrery', '--repeats', '1', ...passed]);
// Text protocols that the harness has no loads of.
const texts = join(import.meta.dirname, 'texts.ts');
execFileSync(process.execPath, [texts], { stdio: 'inherit' });
