// `--help` of a bench: the head of its file, which says what it measures, with which flags.
import { readFileSync } from 'node:fs';

/** Asked for before flags are parsed: prints it and ends the process. */
export function answerHelp(file: string): void {
  if (!process.argv.includes('--help')) return;
  const lines = readFileSync(file, 'utf8').split('\n');
  const end = lines.findIndex((line) => !line.startsWith('//'));
  process.stdout.write(
    `${lines
      .slice(0, end)
      .map((line) => line.slice(3))
      .join('\n')}\n`,
  );
  process.exit(0);
}
