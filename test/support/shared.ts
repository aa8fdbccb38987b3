// Finds the conformance suites and data sets that live beside the repository, never inside it:
// in ORRERY_SHARED, else in ../shared seen from the repository's root. Use:
//   const suite = sharedPath('corpora/promqltest');
//   test('…', { skip: suite.skip }, () => readdirSync(suite.path));
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Skip } from './skip.ts';
import { NEEDS_SHARED, skipUnless } from './skip.ts';

const PROJECT_ROOT = join(import.meta.dirname, '../..');

export interface SharedPath {
  /** Absolute; exists unless `skip` says otherwise. */
  readonly path: string;
  readonly skip: Skip;
}

/** `relative` is a path inside the shared directory, such as `corpora/promqltest`. */
export function sharedPath(relative: string): SharedPath {
  const shared = process.env['ORRERY_SHARED'] ?? join(PROJECT_ROOT, '../shared');
  const path = join(shared, relative);
  return { path, skip: skipUnless(existsSync(path), NEEDS_SHARED, `${relative} is not there`) };
}
