// The style guide as a program: prints `file:line rule message` for each finding and exits 1.
// Usage: node tools/tidy/tidy.ts [--fix]   (--fix first breaks comment lines that are too wide)
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkRepository } from './check.ts';
import { rewrapComments } from './rewrap.ts';

const ROOT = join(import.meta.dirname, '../..');

if (process.argv.includes('--fix')) {
  const wide = checkRepository(ROOT).filter((finding) => finding.rule === 'width');
  for (const path of new Set(wide.map((finding) => join(ROOT, finding.file))))
    writeFileSync(path, rewrapComments(readFileSync(path, 'utf8')));
}

const findings = checkRepository(ROOT);
for (const { file, line, rule, message } of findings)
  process.stdout.write(`${file}:${line} ${rule} ${message}\n`);
process.exitCode = findings.length > 0 ? 1 : 0;
