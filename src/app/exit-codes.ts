// Exit codes of every command.
export const EXIT = {
  /** Ended as asked. */
  ok: 0,
  /** The environment does not let it go on: disk, own files, address in use, no answer. */
  failed: 1,
  /** Command line or settings: nothing was started. */
  usage: 2,
  /** The question was understood and refused (a query that does not parse, a limit). */
  refused: 3,
  /** Done, and something stored turned out to be damaged (checks, backups, restores). */
  damaged: 4,
} as const;

export const EXIT_HELP =
  'Exit codes: 0 ended as asked; 1 the environment does not allow it (disk, address, no answer);\n' +
  '2 command line or settings; 3 the question was refused; 4 stored data is damaged.\n';
