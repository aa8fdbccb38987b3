// The settings table as words: docs/flags.md and the `--help` of `orrery serve`.
import { environmentName, flagRows } from './flags.ts';
import type { Flag } from './flags.ts';

function spelling({ flag, kind }: Flag<unknown>): string {
  return kind.isSwitch ? `--[no-]${flag}` : `--${flag} ${kind.placeholder}`;
}

function defaultText(row: Flag<unknown>): string {
  return row.kind.print(row.fallback);
}

/** A Markdown table with columns padded to one width, as the formatter leaves it. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, at) => Math.max(...rows.map((row) => row[at]!.length)));
  const lines = rows.map((row) => row.map((cell, at) => cell.padEnd(widths[at]!)).join(' | '));
  const rule = widths.map((width) => '-'.repeat(width)).join(' | ');
  return [lines[0]!, rule, ...lines.slice(1)].map((line) => `| ${line} |\n`).join('');
}

/** Content of docs/flags.md. */
export function flagsPage(): string {
  const rows = flagRows().map((row) => {
    const fallback = defaultText(row);
    return [
      `\`${spelling(row).replaceAll('|', '\\|')}\``,
      `\`${environmentName(row.flag)}\``,
      fallback === '' ? '–' : `\`${fallback}\``,
      row.help,
    ];
  });
  return `# Settings of \`orrery serve\`

Generated from \`src/app/settings/flags.ts\` by \`node tools/flags-doc.ts\`; do not edit.

A flag wins over its environment variable, which wins over \`orrery.yaml\` (the flag's name without
dashes in front is the key: \`query-timeout: 2m\`), which wins over the default. Unknown flags and keys
are errors. \`orrery check config\` validates a file without starting anything. Sizes take \`KiB\`,
\`MiB\`, \`GiB\`; durations take \`ms\`, \`s\`, \`m\`, \`h\`, \`d\`, \`w\`.

${table([['flag', 'environment', 'default', 'what it does'], ...rows])}`;
}

/** Of a link the file stays, as seen from the root of the project. */
function plain(help: string): string {
  return help.replaceAll('`', '').replaceAll(/\[[^\]]*\]\(([^)]*)\)/g, 'docs/$1');
}

/** Lines for a terminal. */
export function flagsHelp(): string {
  return flagRows()
    .map((row) => {
      const fallback = defaultText(row);
      const tail = fallback === '' ? '' : ` [${fallback}]`;
      return `  ${spelling(row)}\n      ${plain(row.help)}${tail}\n`;
    })
    .join('');
}
