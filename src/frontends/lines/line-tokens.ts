// Tokens in front of lines. A line that begins with `TOKEN.` or, as catalyst wrote it, `TOKEN@.` is
// one of that token; what is left when that is taken away is the line. Lines that follow each other
// and have the same token are written together.
import { LINE_TOKEN_BYTES_MAX } from './limits.ts';

const LF = 10;
const DOT = 46;
const AT = 64;
const SPACE = 32;
const LOWER_CASE = 32;
const MARK = Buffer.from('orr_');
/** Where tokens begin lines: what begins with a letter is found slowly among names. */
const NEXT_LINE_MARK = Buffer.from('\norr_');
const CATALYST = Buffer.from('@.');
/** Its start is enough: one with a wrong end is a token that is wrong, not a name. */
const TOKEN_START = /^orr_[a-z2-7]{12}_/;

/** Lines [0, end) of one token. */
export interface TokenRun {
  /** undefined: the lines have none. */
  readonly token: string | undefined;
  readonly body: Uint8Array;
  readonly end: number;
}

export interface TokenRules {
  /** Position behind the line at `start`, which ends before `end` or there. */
  readonly lineEnd: (body: Uint8Array, start: number, end: number) => number;
  /** What stands in front of the token in each line, e.g. `put `; in any case. */
  readonly lead: string;
  /** May it be any text in front of `@.`? */
  readonly takesAny: boolean;
}

export function plainLineEnd(body: Uint8Array, start: number, end: number): number {
  const at = body.indexOf(LF, start);
  return at < 0 || at >= end ? end : at + 1;
}

/** The lines [0, end) of `body` as they are where no line has a token, else copies. */
export function tokenRuns(body: Uint8Array, end: number, rules: TokenRules): readonly TokenRun[] {
  const view = Buffer.from(body.buffer, body.byteOffset, end);
  const isMarked = isOursIn(view, rules.lead) || (rules.takesAny && view.includes(CATALYST));
  return isMarked ? split(view, rules) : [{ token: undefined, body, end }];
}

/** May a line of ours be among them? */
function isOursIn(body: Buffer, lead: string): boolean {
  if (lead !== '') return body.includes(MARK);
  const first = body.compare(MARK, 0, MARK.length, 0, Math.min(MARK.length, body.length));
  return first === 0 || body.includes(NEXT_LINE_MARK);
}

function split(body: Buffer, rules: TokenRules): readonly TokenRun[] {
  const out = Buffer.allocUnsafe(body.length);
  const runs: TokenRun[] = [];
  let token: string | undefined = undefined;
  let runStart = 0;
  let size = 0;
  const close = (): void => {
    if (size === runStart) return;
    runs.push({ token, body: out.subarray(runStart, size), end: size - runStart });
    runStart = size;
  };
  for (let start = 0; start < body.length;) {
    const stop = rules.lineEnd(body, start, body.length);
    const found = tokenIn(body, start, stop, rules);
    const own = found?.token;
    if (own !== token) {
      close();
      token = own;
    }
    const restStart = found?.end ?? start;
    if (found !== undefined) size += body.copy(out, size, start, found.start);
    size += body.copy(out, size, restStart, stop);
    start = stop;
  }
  close();
  return runs;
}

interface FoundToken {
  readonly token: string;
  readonly start: number;
  /** Behind the dot. */
  readonly end: number;
}

/** Of the line [start, stop). */
function tokenIn(
  body: Buffer,
  start: number,
  stop: number,
  { lead, takesAny }: TokenRules,
): FoundToken | undefined {
  const at = behindLead(body, start, stop, lead);
  if (at < 0) return undefined;
  const isOurs = body.compare(MARK, 0, MARK.length, at, Math.min(at + MARK.length, stop)) === 0;
  if (!isOurs && !takesAny) return undefined;
  const last = Math.min(stop, at + LINE_TOKEN_BYTES_MAX);
  for (let i = at; i < last && body[i]! > SPACE; i++) {
    const isCatalyst = body[i] === AT && body[i + 1] === DOT;
    if (isCatalyst && i > at)
      return { token: body.toString('latin1', at, i), start: at, end: i + 2 };
    if (body[i] !== DOT || !isOurs) continue;
    const text = body.toString('latin1', at, i);
    return TOKEN_START.test(text) ? { token: text, start: at, end: i + 1 } : undefined;
  }
  return undefined;
}

/** Behind the lead and the spaces after it; -1: the line does not begin with it. */
function behindLead(body: Buffer, start: number, stop: number, lead: string): number {
  if (lead === '') return start;
  for (let i = 0; i < lead.length; i++)
    if ((body[start + i]! | LOWER_CASE) !== lead.charCodeAt(i)) return -1;
  let at = start + lead.length;
  while (at < stop && body[at] === SPACE) at++;
  return at;
}
