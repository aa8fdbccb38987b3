// `--relabel-config FILE`: the rules of tenants that have none of their own.
import { readRelabelConfig } from '../../ingest/relabel-store.ts';
import type { RelabelConfig } from '../../ingest/relabel-store.ts';
import { CONFIG_BYTES_MAX } from '../../relabel/limits.ts';
import { errorMessage, FatalError } from '../../stdx/assert.ts';
import type { Files } from '../../stdx/files.ts';
import { FLAGS } from '../settings/flags.ts';
import { readConfigText } from './reloads.ts';
import type { ReloadSource } from './reloads.ts';

/** The same file while the server runs. */
export function relabelSource(
  path: string,
  setDefault: (config: RelabelConfig) => Promise<void>,
): ReloadSource {
  return {
    flag: FLAGS.relabelConfig.flag,
    path,
    sizeBytesMax: CONFIG_BYTES_MAX,
    prepare: async (text) => {
      const config = await readRelabelConfig(text);
      return () => setDefault(config);
    },
  };
}

/** Throws FatalError with the place where the file is no list of rules. */
export async function defaultRelabelConfig(
  files: Files,
  path: string | undefined,
): Promise<RelabelConfig | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readRelabelConfig(await readConfigText(files, path, CONFIG_BYTES_MAX));
  } catch (error) {
    throw new FatalError(`--${FLAGS.relabelConfig.flag} ${path}: ${errorMessage(error)}`, {
      cause: error,
    });
  }
}
