// The token cursor of the parser with its list of complaints. A syntax error ends the parse (`fail`
// and `unexpected` throw SyntaxAbort, which parser.ts turns into one PromqlParseError); a complaint
// about meaning (`report`) is noted and the parse goes on, so that later ones are found too.
import { must } from '../stdx/assert.ts';
import type { PosRange } from './ast.ts';
import { tokenize } from './lexer.ts';
import {
  ISSUE_LENGTH_MAX,
  NESTING_DEPTH_MAX,
  PARSE_ISSUES_MAX,
  QUERY_LENGTH_MAX,
} from './limits.ts';
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
  /**
   * How many aggregations are open; a complaint without a place of its own is then said to be
   * there.
   */
  #aggregations = 0;

  /** A text that is too long is one error token: whatever is asked of it fails with the limit. */
  constructor(input: string) {
    const message = `the expression has ${input.length} characters, the limit is ${QUERY_LENGTH_MAX}`;
    this.#tokens =
      input.length <= QUERY_LENGTH_MAX
        ? tokenize(input)
        : [{ kind: 'error', text: message, start: 0, end: 0 }];
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
    const cut = message.length > ISSUE_LENGTH_MAX;
    this.issues.push({
      message: cut ? `${message.slice(0, ISSUE_LENGTH_MAX)}…` : message,
      pos: { start: pos.start, end: pos.end },
    });
    if (this.issues.length >= PARSE_ISSUES_MAX) throw new SyntaxAbort();
  }

  fail(pos: PosRange, message: string): never {
    this.report(pos, message);
    throw new SyntaxAbort();
  }

  /** Fails over the current token; where the lexer gave up, with the lexer's own reason. */
  unexpected(context = '', expected = ''): never {
    const token = this.current;
    const inAggregation = context === '' && this.#aggregations > 0;
    const place = inAggregation ? 'aggregation' : context;
    const where = place === '' ? '' : ` in ${place}`;
    const wanted = expected === '' ? '' : `, expected ${expected}`;
    this.report(
      token,
      token.kind === 'error' ? token.text : `unexpected ${describeToken(token)}${where}${wanted}`,
    );
    if (inAggregation) this.report(token, 'no arguments for aggregate expression provided');
    throw new SyntaxAbort();
  }

  aggregation<T>(body: () => T): T {
    this.#aggregations++;
    const result = body();
    this.#aggregations--;
    return result;
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
