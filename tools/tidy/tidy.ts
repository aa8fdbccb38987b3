// The style guide as a program: prints `file:line rule message` for each finding and exits 1.
// Usage: node tools/tidy/tidy.ts
import { join } from 'node:path';
import { checkRepository } from './check.ts';

const findings = checkRepository(join(import.meta.dirname, '../..'));
for (const { file, line, rule, message } of findings)
  process.stdout.write(`${file}:${line} ${rule} ${message}\n`);
process.exitCode = findings.length > 0 ? 1 : 0;
