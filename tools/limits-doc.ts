// Writes docs/operations/limits.md from the table of limits. Run it after changing
// src/tenancy/limit-table.ts.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { limitsPage } from '../src/app/settings/limits-doc.ts';

writeFileSync(join(import.meta.dirname, '../docs/operations/limits.md'), limitsPage());
