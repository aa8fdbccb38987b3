// Trees → text. `printExpr` is the canonical one-line form (what `String()` is in Prometheus);
// `prettyPrint` breaks whatever is longer than a line, indents by two spaces, and is what
// `format_query` answers. Both parse to an equal tree again. Source of the forms: Prometheus
// promql/parser/printer.go and prettier.go, including that a short subquery is never indented.
import { METRIC_NAME, compareUtf8 } from '../model/labels.ts';
import { unreachable } from '../stdx/assert.ts';
import type {
  AggregateExpr,
  AtModifier,
  BinaryExpr,
  DurationExpr,
  DurationOperand,
  Expr,
  LabelMatcher,
  MatrixSelector,
  NumberLiteral,
  SubqueryExpr,
  VectorMatching,
  VectorSelector,
} from './ast.ts';
import { formatDurationMs, wholeMs } from './durations.ts';
import { PRETTY_LINE_LENGTH_MAX } from './limits.ts';
import { formatFloat, formatFloatShort, isPlainLabelName, quote } from './text.ts';

const INDENT = '  ';

/** One-line text by node, so that the pretty printer does not print a subtree once per level. */
type Printed = Map<Expr, string>;

function printNumber(literal: NumberLiteral): string {
  const durationMs = literal.duration ? wholeMs(literal.value) : undefined;
  // What milliseconds cannot say (a literal such as 0.0005) stays a plain number of seconds.
  if (durationMs === undefined) return formatFloat(literal.value);
  return (durationMs < 0 ? '-' : '') + formatDurationMs(Math.abs(durationMs));
}

function printOperand(operand: DurationOperand): string {
  return operand.type === 'NumberLiteral' ? printNumber(operand) : printDurationExpr(operand);
}

function printDurationExpr(expr: DurationExpr): string {
  const { op, lhs, rhs } = expr;
  const left = lhs === undefined ? '' : printOperand(lhs);
  const right = rhs === undefined ? '' : printOperand(rhs);
  let text: string;
  if (op === 'step' || op === 'range') text = `${op}()`;
  else if (op === 'min_of' || op === 'max_of') text = `${op}(${left}, ${right})`;
  else if (lhs === undefined) text = op === '-' ? `-${right}` : right;
  else text = `${left} ${op} ${right}`;
  return expr.wrapped ? `(${text})` : text;
}

function printLabels(labels: readonly string[]): string {
  return labels.map((label) => (isPlainLabelName(label) ? label : quote(label))).join(', ');
}

function printMatcher(matcher: LabelMatcher): string {
  const name = isPlainLabelName(matcher.name) ? matcher.name : quote(matcher.name);
  return `${name}${matcher.type}${quote(matcher.value)}`;
}

/** Name and braces alone; matchers in the order of their printed form. */
function printSeries(selector: VectorSelector): string {
  const isName = (matcher: LabelMatcher): boolean =>
    matcher.name === METRIC_NAME &&
    matcher.type === '=' &&
    matcher.value === selector.name &&
    matcher.value !== '';
  const parts = selector.matchers.filter((matcher) => !isName(matcher)).map(printMatcher);
  if (parts.length === 0) return selector.name === '' ? '{}' : selector.name;
  return `${selector.name}{${parts.toSorted(compareUtf8).join(',')}}`;
}

function printOffset(offset: DurationOperand | undefined): string {
  return offset === undefined ? '' : ` offset ${printOperand(offset)}`;
}

function printAt(at: AtModifier | undefined): string {
  if (at === undefined) return '';
  if (at.kind !== 'timestamp') return ` @ ${at.kind}()`;
  return ` @ ${(at.timestampMs / 1_000).toFixed(3)}`;
}

function printExtension(selector: VectorSelector): string {
  if (selector.anchored) return ' anchored';
  return selector.smoothed ? ' smoothed' : '';
}

function printSelector(selector: VectorSelector): string {
  const { at, offset } = selector;
  return printSeries(selector) + printAt(at) + printExtension(selector) + printOffset(offset);
}

function printMatrix({ selector, range }: MatrixSelector): string {
  const series = `${printSeries(selector)}[${printOperand(range)}]`;
  return series + printExtension(selector) + printAt(selector.at) + printOffset(selector.offset);
}

function subquerySuffix({ range, step, at, offset }: SubqueryExpr): string {
  const stepText = step === undefined ? '' : printOperand(step);
  return `[${printOperand(range)}:${stepText}]${printAt(at)}${printOffset(offset)}`;
}

function aggregateHead({ op, grouping, without }: AggregateExpr): string {
  if (without) return `${op} without (${printLabels(grouping)}) `;
  return grouping.length === 0 ? op : `${op} by (${printLabels(grouping)}) `;
}

function printFill(matching: VectorMatching): string {
  const { fillLeft, fillRight } = matching;
  if (fillLeft !== undefined && fillLeft === fillRight)
    return ` fill (${formatFloatShort(fillLeft)})`;
  const left = fillLeft === undefined ? '' : ` fill_left (${formatFloatShort(fillLeft)})`;
  const right = fillRight === undefined ? '' : ` fill_right (${formatFloatShort(fillRight)})`;
  return left + right;
}

/** The operator with everything between it and the right side. */
function operatorText({ op, returnBool, matching }: BinaryExpr): string {
  let out = op + (returnBool ? ' bool' : '');
  if (matching === undefined) return out;
  const { card, labels, on, include } = matching;
  const grouped = card === 'many-to-one' || card === 'one-to-many';
  if (labels.length > 0 || on || grouped)
    out += ` ${on ? 'on' : 'ignoring'} (${printLabels(labels)})`;
  if (grouped)
    out += ` group_${card === 'many-to-one' ? 'left' : 'right'} (${printLabels(include)})`;
  return out + printFill(matching);
}

function print(expr: Expr, printed: Printed): string {
  const known = printed.get(expr);
  if (known !== undefined) return known;
  const text = printFresh(expr, printed);
  printed.set(expr, text);
  return text;
}

function printFresh(expr: Expr, printed: Printed): string {
  switch (expr.type) {
    case 'NumberLiteral':
      return printNumber(expr);
    case 'StringLiteral':
      return quote(expr.value);
    case 'VectorSelector':
      return printSelector(expr);
    case 'MatrixSelector':
      return printMatrix(expr);
    case 'SubqueryExpr':
      return print(expr.expr, printed) + subquerySuffix(expr);
    case 'Call':
      return `${expr.func}(${expr.args.map((arg) => print(arg, printed)).join(', ')})`;
    case 'AggregateExpr': {
      const param = expr.param === undefined ? '' : `${print(expr.param, printed)}, `;
      return `${aggregateHead(expr)}(${param}${print(expr.expr, printed)})`;
    }
    case 'BinaryExpr':
      return `${print(expr.lhs, printed)} ${operatorText(expr)} ${print(expr.rhs, printed)}`;
    case 'UnaryExpr':
      return expr.op + print(expr.expr, printed);
    case 'ParenExpr':
      return `(${print(expr.expr, printed)})`;
    default:
      return unreachable(expr);
  }
}

/** Canonical one-line text. */
export function printExpr(expr: Expr): string {
  return print(expr, new Map());
}

class PrettyPrinter {
  readonly #printed: Printed = new Map();
  readonly #lineLengthMax: number;

  constructor(lineLengthMax: number) {
    this.#lineLengthMax = lineLengthMax;
  }

  print(expr: Expr, level: number): string {
    const indent = INDENT.repeat(level);
    const line = print(expr, this.#printed);
    const fits = line.length <= this.#lineLengthMax;
    if (expr.type === 'UnaryExpr') return indent + expr.op + this.print(expr.expr, level).trim();
    if (expr.type === 'SubqueryExpr')
      return fits ? line : this.print(expr.expr, level) + subquerySuffix(expr);
    return fits ? indent + line : this.#broken(expr, level, indent);
  }

  #broken(expr: Expr, level: number, indent: string): string {
    switch (expr.type) {
      case 'AggregateExpr': {
        const param = expr.param === undefined ? '' : `${this.print(expr.param, level + 1)},\n`;
        const body = param + this.print(expr.expr, level + 1);
        return `${indent}${aggregateHead(expr)}(\n${body}\n${indent})`;
      }
      case 'BinaryExpr': {
        const lhs = this.print(expr.lhs, level + 1);
        return `${lhs}\n${indent}${operatorText(expr)}\n${this.print(expr.rhs, level + 1)}`;
      }
      case 'Call': {
        const args = expr.args.map((arg) => this.print(arg, level + 1)).join(',\n');
        return `${indent}${expr.func}(\n${args}\n${indent})`;
      }
      case 'ParenExpr':
        return `${indent}(\n${this.print(expr.expr, level + 1)}\n${indent})`;
      default:
        return indent + print(expr, this.#printed);
    }
  }
}

/** Text over several lines where one line would be longer than `lineLengthMax` characters. */
export function prettyPrint(expr: Expr, lineLengthMax: number = PRETTY_LINE_LENGTH_MAX): string {
  return new PrettyPrinter(lineLengthMax).print(expr, 0);
}
