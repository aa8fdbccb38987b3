// Writes docs/conformance.md from the public suites beside the repository. Run it after a suite or
// a list of known failures has changed.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { conformancePage } from '../test/conformance/conformance-page.ts';

writeFileSync(join(import.meta.dirname, '../docs/conformance.md'), conformancePage());
