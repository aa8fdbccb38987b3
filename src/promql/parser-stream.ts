// The token cursor of the parser with its list of complaints. A syntax error ends the parse (`fail`
// and `unexpected` throw SyntaxAbort, which parser.ts turns into one PromqlParseError); a complaint
// about meaning (`report`) is noted and the parse goes on, so that later ones are found too.
import { must } from '../stdx/assert.ts';
import type { PosRange } from './ast.ts';
import { tokenize } from './lexer.ts';
import { NESTING_DEPTH_MAX, QUERY_LENGTH_MAX } from './limits.ts';
import type { ParseIssue } from './parse-error.ts';
import { describeToken } from './token.ts';
import type { Token } from './token.ts';

/** Unwinds the parser; the reason is already in `issues`. Never leaves parser.ts. */
export class SyntaxAbort extends Error {
  override readonly name = 'SyntaxAbort';
}

export class TokenStream {
  readonly issues: ParseIssue[] = [];
  readonly #tokens: readonly Token[];
  #index = 0;
  #depth = 0;

  /** Throws SyntaxAbort where the text is too long. */
  constructor(input: string) {
    const tooLong = input.length > QUERY_LENGTH_MAX;
    this.#tokens = tooLong ? [] : tokenize(input);
    if (tooLong)
      this.report(
        { start: 0, end: 0 },
        `the expression has ${input.length} characters, the limit is ${QUERY_LENGTH_MAX}`,
      );
  }

  get current(): Token {
    return must(this.#tokens[this.#index], 'the token list ends with eof or error');
  }

  /** The token `count` places ahead; the last one repeats. */
  ahead(count: number): Token {
    return this.#tokens[Math.min(this.#index + count, this.#tokens.length - 1)]!;
  }

  /** End of the last token taken. */
  get lastEnd(): number {
    return this.#index === 0 ? 0 : this.#tokens[this.#index - 1]!.end;
  }

  at(kind: string): boolean {
    return this.current.kind === kind;
  }

  /** Takes the current token. */
  next(): Token {
    const token = this.current;
    this.#index++;
    return token;
  }

  tryTake(kind: string): Token | undefined {
    return this.at(kind) ? this.next() : undefined;
  }

  /** Takes a token of that kind or fails with `unexpected`. */
  take(kind: string, context = '', expected = ''): Token {
    return this.at(kind) ? this.next() : this.unexpected(context, expected);
  }

  report(pos: PosRange, message: string): void {
    this.issues.push({ message, pos: { start: pos.start, end: pos.end } });
  }

  fail(pos: PosRange, message: string): never {
    this.report(pos, message);
    throw new SyntaxAbort(message);
  }

  /** Fails over the current token; where the lexer gave up, with the lexer's own reason. */
  unexpected(context = '', expected = ''): never {
    const token = this.current;
    if (token.kind === 'error') return this.fail(token, token.text);
    const where = context === '' ? '' : ` in ${context}`;
    const wanted = expected === '' ? '' : `, expected ${expected}`;
    return this.fail(token, `unexpected ${describeToken(token)}${where}${wanted}`);
  }

  /** Runs one level of recursion; every recursive path of the parser goes through here. */
  nested<T>(body: () => T): T {
    if (this.#depth >= NESTING_DEPTH_MAX)
      this.fail(
        this.current,
        `the expression is nested deeper than the limit of ${NESTING_DEPTH_MAX} levels`,
      );
    this.#depth++;
    const result = body();
    this.#depth--;
    return result;
  }
}
