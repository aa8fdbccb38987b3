// `orrery COMMAND …`: finds the command, prints help and errors, returns the exit code. A command
// gets its arguments and the streams; it never touches the process itself, so that tests can run
// it.
import { errorMessage, FatalError } from '../../stdx/assert.ts';
import { FileError } from '../../stdx/files.ts';
import { EXIT, EXIT_HELP } from '../exit-codes.ts';
import { SettingError } from '../settings/kinds.ts';
import { unknown } from '../settings/load.ts';
import { productVersion } from '../version.ts';
import { CommandError } from './command-error.ts';
import { printable } from './draw.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

interface Command {
  readonly summary: string;
  /** Each command's code is loaded when it is asked for. */
  load(): Promise<LoadedCommand>;
}

interface LoadedCommand {
  readonly help: string;
  run(args: readonly string[], terminal: Terminal): Promise<number>;
}

const SERVE_HELP =
  'Usage: orrery serve [FLAGS]\n\nRuns the server; `orrery serve --help` lists all flags.\n';

const COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  [
    'serve',
    {
      summary: 'run the server (default)',
      load: async () => ({ help: SERVE_HELP, run: async () => EXIT.usage }),
    },
  ],
  [
    'query',
    {
      summary: 'ask a running server',
      load: async () => {
        const { QUERY_HELP, queryCommand } = await import('./query.ts');
        return { help: QUERY_HELP, run: queryCommand };
      },
    },
  ],
  [
    'import',
    {
      summary: 'send files to a running server',
      load: async () => {
        const { IMPORT_HELP } = await import('./import-options.ts');
        const { importCommand } = await import('./import.ts');
        return { help: IMPORT_HELP, run: importCommand };
      },
    },
  ],
  [
    'export',
    {
      summary: 'write series of a running server to a file',
      load: async () => {
        const { EXPORT_HELP, exportCommand } = await import('./export.ts');
        return { help: EXPORT_HELP, run: exportCommand };
      },
    },
  ],
  [
    'tenant',
    {
      summary: 'tenants of a running server',
      load: async () => {
        const { TENANT_HELP, tenantCommand } = await import('./tenant.ts');
        return { help: TENANT_HELP, run: tenantCommand };
      },
    },
  ],
  [
    'token',
    {
      summary: 'tokens of a tenant',
      load: async () => {
        const { TOKEN_HELP, tokenCommand } = await import('./token.ts');
        return { help: TOKEN_HELP, run: tokenCommand };
      },
    },
  ],
  [
    'usage',
    {
      summary: 'what tenants use',
      load: async () => {
        const { USAGE_HELP, usageCommand } = await import('./usage.ts');
        return { help: USAGE_HELP, run: usageCommand };
      },
    },
  ],
  [
    'backup',
    {
      summary: 'back up a server or a data folder',
      load: async () => {
        const { BACKUP_HELP, backupCommand } = await import('./backup.ts');
        return { help: BACKUP_HELP, run: backupCommand };
      },
    },
  ],
  [
    'restore',
    {
      summary: 'make a data folder from a backup',
      load: async () => {
        const { RESTORE_HELP, restoreCommand } = await import('./restore.ts');
        return { help: RESTORE_HELP, run: restoreCommand };
      },
    },
  ],
  [
    'check',
    {
      summary: 'validate settings, or a data folder',
      load: async () => {
        const { CHECK_HELP, checkCommand } = await import('./check.ts');
        return { help: CHECK_HELP, run: checkCommand };
      },
    },
  ],
]);

function overview(): string {
  const rows = [...COMMANDS].map(([name, { summary }]) => `  ${name.padEnd(8)} ${summary}\n`);
  return (
    'orrery: metrics from every protocol, answered in every language.\n\n' +
    'Usage: orrery [COMMAND] [FLAGS]\n\n' +
    `${rows.join('')}\norrery COMMAND --help says more; orrery --version prints the version.\n\n${EXIT_HELP}`
  );
}

/** Runs one command; resolves to the exit code. */
export async function runCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  const [name, ...rest] = args;
  if (name === '--version') {
    terminal.out(`orrery ${productVersion()}\n`);
    return EXIT.ok;
  }
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const about = COMMANDS.get(rest[0] ?? '');
    terminal.out(about === undefined ? overview() : (await about.load()).help);
    return EXIT.ok;
  }
  const command = COMMANDS.get(name);
  if (command === undefined) {
    terminal.err(`orrery: ${unknown('command', name, [...COMMANDS.keys()])} (orrery --help)\n`);
    return EXIT.usage;
  }
  const loaded = await command.load();
  if (rest.includes('--help') || rest.includes('-h')) {
    terminal.out(loaded.help);
    return EXIT.ok;
  }
  try {
    return await loaded.run(rest, terminal);
  } catch (error) {
    const ended = endedBy(error);
    if (ended !== undefined) {
      terminal.err(`orrery ${name}: ${printable(ended.message)}\n`);
      return ended.exitCode;
    }
    const isOurs = error instanceof UsageError || error instanceof SettingError;
    const message = isOurs ? error.message : flagMessage(error);
    if (message === undefined) throw error;
    terminal.err(`orrery ${name}: ${message}${isOurs ? '' : ` (orrery ${name} --help)`}\n`);
    return EXIT.usage;
  }
}

/** Errors of the environment that any command may meet: a sentence is enough. */
function endedBy(error: unknown): CommandError | undefined {
  if (error instanceof CommandError) return error;
  if (error instanceof FileError || error instanceof FatalError)
    return new CommandError(EXIT.failed, error.message, { cause: error });
  return undefined;
}

/** What node:util parseArgs says of a flag, without its advice; undefined: something else threw. */
function flagMessage(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (!code.startsWith('ERR_PARSE_ARGS')) return undefined;
  const [message = ''] = errorMessage(error).split(/\. |\n/u);
  return message.replace(/^Unknown option '(.*)'$/u, 'unknown flag $1');
}
