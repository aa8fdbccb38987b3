// label_replace, label_join and the sorts by label. The first two change labels only; what becomes
// equal is merged step by step or refused.
import { compileCapture } from '../../codec/regex.ts';
import type { CaptureRegex } from '../../codec/regex.ts';
import { compareLabels, labelValue, withLabel } from '../../model/labels.ts';
import type { Call, Expr } from '../ast.ts';
import { mergeSameLabels } from './column.ts';
import type { Column } from './column.ts';
import type { Evaluation } from './context.ts';
import { executionError } from './errors.ts';
import { compareNatural } from './natural-order.ts';
import { unwrap } from './prepare.ts';
import { MADE_LABEL_LENGTH_MAX } from '../limits.ts';
import { mapInTurns, sortInTurns } from '../../stdx/turns.ts';

/** Any text but '' that is UTF-8: bytes that are not stand as lone surrogates. */
export function isLabelName(name: string): boolean {
  return name !== '' && name.isWellFormed();
}

export function stringArg(expr: Expr): string {
  const inner = unwrap(expr);
  return inner.type === 'StringLiteral' ? inner.value : '';
}

/** Functions in each other can make a value longer each time, beyond all memory. */
function checkLength(length: number, call: Call): void {
  if (length <= MADE_LABEL_LENGTH_MAX) return;
  const target = stringArg(call.args[1]!);
  throw executionError(
    `${call.func}() makes a value of label "${target}" with more than ${MADE_LABEL_LENGTH_MAX} characters`,
  );
}

function relabel(ev: Evaluation, column: Column, name: string, value: string): Column {
  ev.context.budget.take(value.length);
  const labels = withLabel(column.labels, name, value);
  return { ...column, labels, dropName: name === '__name__' ? false : column.dropName };
}

/**
 * `$1`, `${1}`, `$name` and `${name}` of a Go template; `$$` is a dollar sign. `check` is told how
 * long the text will be at least, before it is put together, and may throw.
 */
function expand(
  template: string,
  group: (name: string) => string,
  check: (length: number) => void,
): string {
  let length = 0;
  return template.replaceAll(
    /\$(?:\$|\{(\w+)\}|(\w+))/g,
    (whole, braced: string | undefined, plain: string | undefined) => {
      if (whole === '$$') return '$';
      const text = group(braced ?? plain ?? '');
      length += text.length;
      check(length);
      return text;
    },
  );
}

export async function labelReplace(
  ev: Evaluation,
  call: Call,
  columns: readonly Column[],
): Promise<Column[]> {
  const [target, template, source, pattern] = call.args.slice(1).map(stringArg) as [
    string,
    string,
    string,
    string,
  ];
  if (!isLabelName(target))
    throw executionError(`invalid destination label name in label_replace(): ${target}`);
  const regex = compilePattern(pattern);
  const out = await mapInTurns(ev, columns, (column) => {
    const match = regex(labelValue(column.labels, source));
    if (match === undefined) return column;
    const group = (name: string): string => {
      const index = /^\d+$/.test(name) ? Number(name) : match.names[name];
      return index === undefined ? '' : (match.groups[index] ?? '');
    };
    const value = expand(template, group, (length) => checkLength(length, call));
    return relabel(ev, column, target, value);
  });
  return await mergeSameLabels(ev, out);
}

function compilePattern(pattern: string): CaptureRegex {
  try {
    return compileCapture(pattern);
  } catch {
    throw executionError(`invalid regular expression in label_replace(): ${pattern}`);
  }
}

export async function labelJoin(
  ev: Evaluation,
  call: Call,
  columns: readonly Column[],
): Promise<Column[]> {
  const [target, separator, ...sources] = call.args.slice(1).map(stringArg) as [
    string,
    string,
    ...string[],
  ];
  for (const source of sources)
    if (!isLabelName(source))
      throw executionError(`invalid source label name in label_join(): ${source}`);
  if (!isLabelName(target))
    throw executionError(`invalid destination label name in label_join(): ${target}`);
  const out = await mapInTurns(ev, columns, (column) => {
    const values = sources.map((source) => labelValue(column.labels, source));
    let length = separator.length * (values.length - 1);
    for (const value of values) length += value.length;
    checkLength(length, call);
    return relabel(ev, column, target, values.join(separator));
  });
  return await mergeSameLabels(ev, out);
}

export async function sortByLabel(
  ev: Evaluation,
  call: Call,
  columns: readonly Column[],
  sign: number,
): Promise<Column[]> {
  const names = call.args.slice(1).map(stringArg);
  return await sortInTurns(ev, columns, (a, b) => {
    for (const name of names) {
      const order = compareNatural(labelValue(a.labels, name), labelValue(b.labels, name));
      if (order !== 0) return order * sign;
    }
    return compareLabels(a.labels, b.labels) * sign;
  });
}
