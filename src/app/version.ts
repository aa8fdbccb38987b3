// The product's version, from the one place that holds it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_ROOT } from './build-stamp.ts';

export function productVersion(): string {
  const manifest = readFileSync(join(PROJECT_ROOT, 'package.json'), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
