// Writes docs/flags.md from the settings table. Run it after changing src/app/settings/flags.ts.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { flagsPage } from '../src/app/settings/doc.ts';

writeFileSync(join(import.meta.dirname, '../docs/flags.md'), flagsPage());
