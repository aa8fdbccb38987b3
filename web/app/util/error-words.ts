/**
 * Errors in words: a heading that says what happened, what was asked with the place marked, what
 * to do next. The server's own sentence is always shown unchanged beside it.
 */
export type ErrorKind =
  | 'bad_data'
  | 'execution'
  | 'timeout'
  | 'canceled'
  | 'unavailable'
  | 'limited'
  | 'forbidden'
  | 'not_found'
  | 'network'
  | 'malformed'
  | 'internal';

export interface ErrorWords {
  readonly title: string;
  readonly advice: string;
}

export interface TextPosition {
  /** Both count from 1, as the server prints them. */
  readonly line: number;
  readonly column: number;
}

const WORDS: Readonly<Record<ErrorKind, ErrorWords>> = {
  bad_data: {
    title: 'The query cannot be understood',
    advice: 'Correct it at the marked place and run it again.',
  },
  execution: {
    title: 'The query stopped while running',
    advice:
      'The reason says which part. Where it names a limit, ask for fewer series or a shorter range.',
  },
  timeout: {
    title: 'The query took longer than its deadline',
    advice: 'Ask for a shorter range, fewer series or a larger step.',
  },
  canceled: { title: 'The query was cancelled', advice: 'Run it again when you need it.' },
  unavailable: {
    title: 'The server cannot answer now',
    advice: 'It may be starting or short of disk. Run the query again in a moment.',
  },
  limited: {
    title: 'A limit refused the query',
    advice: 'The reason names the limit. Ask for less, or ask an operator to raise it.',
  },
  forbidden: {
    title: 'This is not allowed',
    advice: 'The token or tenant in use may not read this.',
  },
  not_found: {
    title: 'The server does not know this call',
    advice: 'Console and server may be of different versions. Reload the page.',
  },
  network: {
    title: 'The server cannot be reached',
    advice: 'Check that it is running and that this is its address.',
  },
  malformed: {
    title: 'The answer cannot be read',
    advice: 'Something between browser and server may have changed it.',
  },
  internal: {
    title: 'The server failed',
    advice: 'This is a fault of the server. Its log has the details.',
  },
};

export function wordsFor(kind: ErrorKind): ErrorWords {
  return WORDS[kind];
}

/** Kind from the API's `errorType` and the HTTP status; the type wins where it says more. */
export function kindOf(errorType: string | undefined, status: number): ErrorKind {
  if (status === 429) return 'limited';
  if (status === 401 || status === 403) return 'forbidden';
  if (errorType !== undefined && errorType in WORDS) return errorType as ErrorKind;
  if (status === 404) return 'not_found';
  if (status === 400) return 'bad_data';
  if (status === 422) return 'execution';
  if (status === 503) return 'unavailable';
  if (status === 504) return 'timeout';
  return 'internal';
}

/** The position in `… 1:5: parse error: …`; undefined when the sentence has none. */
export function tryPosition(message: string): TextPosition | undefined {
  const match = /(?:^|[\s:])(\d+):(\d+): parse error/.exec(message);
  if (match === null) return undefined;
  return { line: Number(match[1]), column: Number(match[2]) };
}

/** The query's line at a position, cut in two where the marker stands. */
export function splitAt(
  expr: string,
  position: TextPosition,
): { readonly before: string; readonly after: string } | undefined {
  const line = expr.split('\n')[position.line - 1];
  if (line === undefined) return undefined;
  const at = Math.max(0, Math.min(position.column - 1, line.length));
  return { before: line.slice(0, at), after: line.slice(at) };
}
