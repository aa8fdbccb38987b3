// The environment of a thread of this process: nothing but where compiled modules are.
import { getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';

/**
 * A thread does not inherit the compile cache of its process. Without one it would load the
 * compiler that strips types: 11 MB and 40 ms for one file (docs/decisions/0006).
 */
export function threadEnv(): NodeJS.Dict<string> {
  const cache = getCompileCacheDir();
  // Node appends the folder of its own version to what it is given.
  return cache === undefined ? {} : { NODE_COMPILE_CACHE: dirname(cache) };
}
