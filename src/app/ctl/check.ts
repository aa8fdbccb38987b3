// `orrery check config [FILE]`: validates settings without starting anything; `orrery check data`
// goes on in check-data.ts.
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { errorMessage } from '../../stdx/assert.ts';
import { EXIT } from '../exit-codes.ts';
import { realFiles } from '../real/files.ts';
import { FLAGS, flagRows } from '../settings/flags.ts';
import type { Settings } from '../settings/flags.ts';
import { SettingError } from '../settings/kinds.ts';
import { checkTlsFiles } from '../server/tls-keys.ts';
import { loadSettings } from '../settings/load.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

export const CHECK_HELP = `Usage: orrery check config [FILE] [--json]
       orrery check data DIR [--snapshots] [--json]

check config: validates FILE (default ${FLAGS.config.fallback}) and the environment (ORRERY_*) as
\`orrery serve\` would, and prints every setting that is not a default with the place it came from.

  --json       one JSON object: {"ok","settings","origins","warnings"} or {"ok","error"}

check data: reads everything in the data folder DIR of a stopped server and verifies every checksum
and invariant: catalog, log, parts. Says which file is damaged, at which offset, what is lost and
what to do. Writes nothing. Backups are checked by \`orrery backup TO --verify\`.

  --snapshots  the snapshots in DIR too
  --json       one JSON object: {"ok",…sums,"findings":[…],"untold":[…]}

Exit codes: 0 sound (there may be warnings); 1 the folder is in use or the disk fails; 2 command
line; 3 DIR is no data folder; 4 damage was found.
`;

async function readConfig(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new SettingError(`${path}: ${errorMessage(error)}`, { cause: error });
  }
}

async function checkConfigFiles(settings: Settings): Promise<void> {
  const { defaultRelabelConfig } = await import('../server/relabel-config.ts');
  const { startScrapeConfig } = await import('../server/scrape-config.ts');
  try {
    await defaultRelabelConfig(realFiles, settings.relabelConfig);
    await startScrapeConfig(realFiles, settings);
  } catch (error) {
    throw new SettingError(errorMessage(error), { cause: error });
  }
}

export async function checkCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  if (args[0] === 'data') {
    const { checkDataCommand } = await import('./check-data.ts');
    return await checkDataCommand(args.slice(1), terminal);
  }
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { json: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const [what, file, ...more] = positionals;
  if (what !== 'config' || more.length > 0)
    throw new UsageError('expected: orrery check config [FILE], or orrery check data DIR');
  const sources = {
    args: file === undefined ? [] : ['--config', file],
    env: terminal.env,
    readConfig,
  };
  try {
    const { settings, origins, warnings } = await loadSettings(sources);
    await checkTlsFiles(settings);
    await checkConfigFiles(settings);
    if (values.json) {
      const text = JSON.stringify({
        ok: true,
        settings,
        origins: Object.fromEntries(origins),
        warnings,
      });
      terminal.out(`${text}\n`);
      return EXIT.ok;
    }
    for (const warning of warnings) terminal.err(`warning: ${warning}\n`);
    for (const { key, flag, kind } of flagRows())
      if (origins.has(key))
        terminal.out(`${flag} = ${kind.print(settings[key])}   (${origins.get(key)})\n`);
    terminal.out('settings are valid\n');
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof SettingError)) throw error;
    if (values.json) terminal.out(`${JSON.stringify({ ok: false, error: error.message })}\n`);
    else terminal.err(`orrery check config: ${error.message}\n`);
    return EXIT.usage;
  }
}
