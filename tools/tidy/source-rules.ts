// Rules on the text of one script. Pure: a file in, findings out. Words in comments and literals do
// not count, except for the width of lines and for the header.
import type { Finding, SourceFile } from './finding.ts';
import { isTest, lineAt, roomOf } from './finding.ts';
import { OUTERMOST_ROOM } from './layers.ts';
import { scanFile } from './scan.ts';

export const LINE_COLUMNS_MAX = 100;

interface Ban {
  readonly pattern: RegExp;
  readonly message: string;
}

const TIME = 'take the time from a clock given by app/';
const RANDOM = 'take random numbers from a prng given by app/';
const TIMERS = 'take timers from a scheduler given by app/';
const SETTINGS = 'settings are read in app/ and passed down';

/** Not a member of something else: `socket.setTimeout` is no timer of ours. */
const GLOBAL = String.raw`(?<![\w$.#]|\.\s)(?:globalThis\s*\.\s*)?`;

/** What makes a run differ from the one before: the simulator could not replay it. */
const BANS: readonly Ban[] = [
  { pattern: /\bDate\s*\.\s*now\b/g, message: `Date.now: ${TIME}` },
  { pattern: /\bnew\s+Date\b(?!\s*\(\s*[^\s)])/g, message: `new Date(): ${TIME}` },
  { pattern: new RegExp(`${GLOBAL}(?<!new\\s+)Date\\s*\\(`, 'g'), message: `Date(): ${TIME}` },
  {
    pattern: /\bperformance\s*\.\s*(now|timeOrigin|mark|measure)\b/g,
    message: `performance.now: ${TIME}`,
  },
  { pattern: /\bprocess\s*\.\s*(hrtime|uptime)\b/g, message: `process.hrtime: ${TIME}` },
  { pattern: /\bTemporal\s*\.\s*Now\b/g, message: `Temporal.Now: ${TIME}` },
  { pattern: /\bMath\s*\.\s*random\b/g, message: `Math.random: ${RANDOM}` },
  {
    pattern: /\bcrypto\s*\.\s*(?:webcrypto\s*\.\s*)?(random\w*|getRandomValues)\b/g,
    message: `crypto.random*: ${RANDOM}`,
  },
  {
    pattern: new RegExp(`${GLOBAL}(setTimeout|setInterval|setImmediate)\\b`, 'g'),
    message: `setTimeout, setInterval, setImmediate: ${TIMERS}`,
  },
  { pattern: /\bAbortSignal\s*\.\s*timeout\b/g, message: `AbortSignal.timeout: ${TIMERS}` },
  {
    pattern: /\bprocess\s*(\.\s*(env|argv|execArgv)\b|\[)|[{}]\s*=\s*process\b(?!\s*\.)/g,
    message: `process.env, process.argv: ${SETTINGS}`,
  },
];

/** Clock, randomness, timers and settings only in the outermost room; tests are free. */
export function checkBans(file: SourceFile): Finding[] {
  const room = roomOf(file.path);
  if (room === undefined || room === OUTERMOST_ROOM || isTest(file.path)) return [];
  return matchAll(file, 'ban', BANS);
}

const DIALECT: readonly Ban[] = [
  {
    pattern: /(^|[\s;}(])@[A-Za-z_$][\w$.]*/g,
    message: 'decorators do not run under type stripping',
  },
];

const DEFAULT_EXPORT: readonly Ban[] = [
  {
    pattern: /\bexport\s+default\b|\bas\s+default\b/g,
    message: 'export a name: a default has another name in every file',
  },
];

/** What the compiler lets pass and we do not. */
export function checkDialect(file: SourceFile): Finding[] {
  const bans = file.path.endsWith('.config.ts') ? DIALECT : [...DIALECT, ...DEFAULT_EXPORT];
  return matchAll(file, 'dialect', bans);
}

const TEST_BANS: readonly Ban[] = [
  {
    pattern: /\b(test|it|describe|suite|t|context)\s*\.\s*(only|skip|todo)\s*\(/g,
    message: 'every test runs: skip only through test/support/skip.ts',
  },
  {
    pattern: /(?<![\w$])(only|skip|todo)\s*:\s*(true\b|['"`])/g,
    message: 'every test runs: skip only through test/support/skip.ts',
  },
];

export function checkTests(file: SourceFile): Finding[] {
  return isTest(file.path) || file.path.startsWith('web/e2e/')
    ? matchAll(file, 'skip', TEST_BANS)
    : [];
}

function matchAll(file: SourceFile, rule: string, bans: readonly Ban[]): Finding[] {
  const { code } = scanFile(file);
  const findings: Finding[] = [];
  for (const { pattern, message } of bans)
    for (const match of code.matchAll(pattern)) {
      const offset = match.index + (match[0].length - match[0].trimStart().length);
      findings.push({ file: file.path, line: lineAt(code, offset), rule, message });
    }
  return findings;
}

/** A reader learns from the first lines what a file is. */
export function checkHeader(file: SourceFile): Finding[] {
  if (!file.path.startsWith('src/')) return [];
  const text = file.text.replace(/^#!.*\n/, '');
  if (/^(\/\/|\/\*)/.test(text)) return [];
  const message = 'opens with a comment on what this is, what it is not, its invariant';
  return [{ file: file.path, line: 1, rule: 'header', message }];
}

/** The formatter breaks code; sentences are broken by hand. A long literal or address may stand. */
export function checkWidth(file: SourceFile): Finding[] {
  const findings: Finding[] = [];
  const { code, uncommented } = scanFile(file);
  const codeLines = code.split('\n');
  const uncommentedLines = uncommented.split('\n');
  for (const [index, line] of file.text.split('\n').entries()) {
    if (line.length <= LINE_COLUMNS_MAX || line.includes('://')) continue;
    // Blanked inside but not as a comment: a literal is what makes it long.
    if (codeLines[index] !== uncommentedLines[index]) continue;
    const message = `${line.length} columns; ${LINE_COLUMNS_MAX} is the most`;
    findings.push({ file: file.path, line: index + 1, rule: 'width', message });
  }
  return findings;
}
