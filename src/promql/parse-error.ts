// The refusal of a query text: the first complaint as the message, in the form every PromQL tool
// knows (`line:col: parse error: …`), all of them with their positions beside it for editors.
import { AppError } from '../model/errors.ts';
import type { PosRange } from './ast.ts';

export interface ParseIssue {
  readonly message: string;
  readonly pos: PosRange;
}

/** Line and column, both from 1, of a UTF-16 offset. */
function locate(query: string, offset: number): { line: number; column: number } {
  const before = query.slice(0, offset);
  const lastBreak = before.lastIndexOf('\n');
  return { line: before.split('\n').length, column: offset - lastBreak };
}

export class PromqlParseError extends AppError {
  override readonly name = 'PromqlParseError';
  /** At least one, in the order found. */
  readonly issues: readonly ParseIssue[];
  /** UTF-16 offset of the first issue. */
  readonly offset: number;
  readonly line: number;
  readonly column: number;

  constructor(query: string, issues: readonly ParseIssue[]) {
    const first = issues[0]!;
    const { line, column } = locate(query, first.pos.start);
    const where = query === '' ? 'unknown position' : `${line}:${column}`;
    super('invalid', 'promql-parse', `${where}: parse error: ${first.message}`);
    this.issues = issues;
    this.offset = first.pos.start;
    this.line = line;
    this.column = column;
  }
}
