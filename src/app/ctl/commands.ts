// `orrery COMMAND …`: finds the command, prints help and errors, returns the exit code. A command
// gets its arguments and the streams; it never touches the process itself, so that tests can run
// it.
import { errorMessage } from '../../stdx/assert.ts';
import { EXIT, EXIT_HELP } from '../exit-codes.ts';
import { SettingError } from '../settings/kinds.ts';
import { unknown } from '../settings/load.ts';
import { productVersion } from '../version.ts';
import { CHECK_HELP, checkCommand } from './check.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';
import { QUERY_HELP, queryCommand } from './query.ts';

interface Command {
  readonly summary: string;
  readonly help: string;
  run(args: readonly string[], terminal: Terminal): Promise<number>;
}

const SERVE_HELP =
  'Usage: orrery serve [FLAGS]\n\nRuns the server; `orrery serve --help` lists all flags.\n';

const COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  ['serve', { summary: 'run the server (default)', help: SERVE_HELP, run: async () => EXIT.usage }],
  ['query', { summary: 'ask a running server', help: QUERY_HELP, run: queryCommand }],
  ['check', { summary: 'validate settings', help: CHECK_HELP, run: checkCommand }],
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
    terminal.out(COMMANDS.get(rest[0] ?? '')?.help ?? overview());
    return EXIT.ok;
  }
  const command = COMMANDS.get(name);
  if (command === undefined) {
    terminal.err(`orrery: ${unknown('command', name, [...COMMANDS.keys()])} (orrery --help)\n`);
    return EXIT.usage;
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    terminal.out(command.help);
    return EXIT.ok;
  }
  try {
    return await command.run(rest, terminal);
  } catch (error) {
    if (!(error instanceof UsageError) && !(error instanceof SettingError) && !isParseArgs(error))
      throw error;
    terminal.err(`orrery ${name}: ${errorMessage(error)}\n`);
    return EXIT.usage;
  }
}

/** What node:util parseArgs throws for a flag it does not know. */
function isParseArgs(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return code.startsWith('ERR_PARSE_ARGS');
}
