// Binary operators between two vectors: which series find each other, set operators, fill values.
// All steps at once: series are grouped by the labels they match on, then slots meet slots. Errors
// read as Prometheus' (promql/engine.go, VectorBinop).
import {
  compareUtf8,
  labelsFromPairs,
  labelsKey,
  labelValue,
  withLabel,
  withoutLabel,
} from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import type { BinaryExpr, VectorMatching } from '../ast.ts';
import { isComparisonOp } from '../ast.ts';
import {
  changesMeaning,
  elementAt,
  elementOperation,
  putElement,
  scalarOperation,
} from './binary.ts';
import type { Element } from './binary.ts';
import { copySlot, dropMetadataLabels, isEmptyColumn, newColumn, setFloat } from './column.ts';
import type { Column } from './column.ts';
import type { Evaluation } from './context.ts';
import { executionError } from './errors.ts';
import { SLOT_EMPTY, SLOT_FLOAT } from './result.ts';
import { labelsText } from './text.ts';

const SAME_LABELSET = 'vector cannot contain metrics with the same labelset';

/** The labels a series matches on. */
function matchLabels(labels: Labels, matching: VectorMatching): Labels {
  const { on, labels: names } = matching;
  return labels.filter((_, i) => {
    const name = labels[i & ~1]!;
    return on ? names.includes(name) : name !== '__name__' && !names.includes(name);
  });
}

/** Columns of both sides with the same matching labels. */
interface MatchGroup {
  readonly labels: Labels;
  readonly left: Column[];
  readonly right: Column[];
}

class Matcher {
  readonly groups = new Map<string, MatchGroup>();
  readonly #byColumn = new Map<Column, MatchGroup>();
  readonly #matching: VectorMatching;

  constructor(matching: VectorMatching, left: readonly Column[], right: readonly Column[]) {
    this.#matching = matching;
    for (const column of left) this.groupOf(column).left.push(column);
    for (const column of right) this.groupOf(column).right.push(column);
  }

  groupOf(column: Column): MatchGroup {
    const known = this.#byColumn.get(column);
    if (known !== undefined) return known;
    const labels = matchLabels(column.labels, this.#matching);
    const key = labelsKey(labels);
    let group = this.groups.get(key);
    if (group === undefined) {
      group = { labels, left: [], right: [] };
      this.groups.set(key, group);
    }
    this.#byColumn.set(column, group);
    return group;
  }
}

/** Result columns by labels, in order of first appearance; a slot may be filled once only. */
class Output {
  readonly #columns = new Map<string, Column>();
  readonly #count: number;

  constructor(count: number) {
    this.#count = count;
  }

  column(labels: Labels, dropName: boolean): Column {
    const key = labelsKey(labels);
    let column = this.#columns.get(key);
    if (column === undefined) {
      column = newColumn(labels, this.#count, dropName);
      this.#columns.set(key, column);
    }
    return column;
  }

  finish(): Column[] {
    return Array.from(this.#columns.values()).filter((column) => !isEmptyColumn(column));
  }
}

function refuseTaken(column: Column, k: number): void {
  if (column.present[k] !== SLOT_EMPTY) throw executionError(SAME_LABELSET);
}

/** 1 at every step where one of the columns holds something. */
function unionOf(columns: readonly Column[], count: number): Uint8Array {
  const any = new Uint8Array(count);
  for (const { present } of columns)
    for (let k = 0; k < count; k++) if (present[k] !== SLOT_EMPTY) any[k] = 1;
  return any;
}

export async function setOperation(
  ev: Evaluation,
  expr: BinaryExpr,
  left: readonly Column[],
  right: readonly Column[],
  count: number,
): Promise<Column[]> {
  const matcher = new Matcher(expr.matching!, left, right);
  const output = new Output(count);
  const unions = new Map<MatchGroup, Uint8Array>();
  const isOr = expr.op === 'or';
  for (const group of matcher.groups.values())
    unions.set(group, unionOf(isOr ? group.left : group.right, count));
  const copy = async (column: Column, wanted: (any: number) => boolean): Promise<void> => {
    const pause = ev.pause();
    if (pause !== undefined) await pause;
    const any = unions.get(matcher.groupOf(column))!;
    const out = output.column(column.labels, column.dropName);
    for (let k = 0; k < count; k++) {
      if (column.present[k] === SLOT_EMPTY || !wanted(any[k]!)) continue;
      refuseTaken(out, k);
      copySlot(out, column, k);
    }
  };
  if (isOr) {
    for (const column of left) await copy(column, () => true);
    for (const column of right) await copy(column, (any) => any === 0);
  } else {
    const want = expr.op === 'and' ? 1 : 0;
    for (const column of left) await copy(column, (any) => any === want);
  }
  return output.finish();
}

/** Sides by role: each series of `many` meets at most one of `one`. */
class Joiner {
  readonly #ev: Evaluation;
  readonly #expr: BinaryExpr;
  readonly #matching: VectorMatching;
  readonly #count: number;
  readonly #isSwapped: boolean;
  readonly #output: Output;

  constructor(ev: Evaluation, expr: BinaryExpr, count: number) {
    this.#ev = ev;
    this.#expr = expr;
    this.#matching = expr.matching!;
    this.#count = count;
    this.#isSwapped = this.#matching.card === 'one-to-many';
    this.#output = new Output(count);
  }

  async join(left: readonly Column[], right: readonly Column[]): Promise<Column[]> {
    const many = this.#isSwapped ? right : left;
    const one = this.#isSwapped ? left : right;
    const matcher = new Matcher(this.#matching, many, one);
    const isActive = unionOf(many, this.#count);
    const { fillLeft, fillRight } = this.#matching;
    const fills = fillLeft !== undefined || fillRight !== undefined;
    for (const group of matcher.groups.values())
      if (group.right.length > 1) this.#refuseDuplicates(group, fills ? undefined : isActive);
    const taken = new Map<MatchGroup, Map<string, Uint8Array>>();
    for (const column of many) {
      this.#joinColumn(column, matcher.groupOf(column), taken);
      const pause = this.#ev.pause();
      if (pause !== undefined) await pause;
    }
    if (fillLeft !== undefined)
      for (const column of one) this.#fillColumn(column, matcher.groupOf(column), taken);
    return this.#output.finish();
  }

  /** Two series of the "one" side with the same matching labels at the same step. */
  #refuseDuplicates(group: MatchGroup, active: Uint8Array | undefined): void {
    const first = new Int32Array(this.#count).fill(-1);
    for (const [index, column] of group.right.entries())
      for (let k = 0; k < this.#count; k++) {
        if (column.present[k] === SLOT_EMPTY || active?.[k] === 0) continue;
        const other = first[k]!;
        if (other >= 0) throw this.#duplicateError(group, group.right[other]!, column);
        first[k] = index;
      }
  }

  #duplicateError(group: MatchGroup, a: Column, b: Column): Error {
    const names = [labelsText(a.labels), labelsText(b.labels)].toSorted(compareUtf8);
    const side = this.#isSwapped ? 'left' : 'right';
    return executionError(
      `found duplicate series for the match group ${labelsText(group.labels)} on the ${side} ` +
        `hand-side of the operation: [${names.join(', ')}];many-to-many matching not allowed: ` +
        'matching labels must be unique on one side',
    );
  }

  #joinColumn(
    many: Column,
    group: MatchGroup,
    taken: Map<MatchGroup, Map<string, Uint8Array>>,
  ): void {
    for (const one of group.right) this.#operate(many, one, group, taken);
    const fill = this.#matching.fillRight;
    if (fill === undefined) return;
    const any = unionOf(group.right, this.#count);
    const one = this.#fillSide(group, many, fill, (k) => any[k] === 0);
    this.#operate(many, one, group, taken);
  }

  /** A stand-in series: the fill value wherever `side` holds something and `wanted`. */
  #fillSide(group: MatchGroup, side: Column, fill: number, wanted: (k: number) => boolean): Column {
    const column = newColumn(group.labels, this.#count, false);
    for (let k = 0; k < this.#count; k++)
      if (side.present[k] !== SLOT_EMPTY && wanted(k)) setFloat(column, k, fill);
    return column;
  }

  #fillColumn(
    one: Column,
    group: MatchGroup,
    taken: Map<MatchGroup, Map<string, Uint8Array>>,
  ): void {
    const marks = taken.get(group);
    const isMatched = new Uint8Array(this.#count);
    for (const mark of marks?.values() ?? [])
      for (let k = 0; k < this.#count; k++) if (mark[k] === 1) isMatched[k] = 1;
    const fill = this.#matching.fillLeft!;
    const many = this.#fillSide(group, one, fill, (k) => isMatched[k] === 0);
    this.#operate(many, one, group, taken);
  }

  #operate(
    many: Column,
    one: Column,
    group: MatchGroup,
    taken: Map<MatchGroup, Map<string, Uint8Array>>,
  ): void {
    const { op, returnBool, pos } = this.#expr;
    const labels = this.#resultLabels(many.labels, one.labels);
    const out = this.#output.column(labels, this.#dropsName());
    const mark = this.#markOf(group, labels, taken);
    const isPlain = many.histograms === undefined && one.histograms === undefined;
    const isFast = isPlain && op !== '</' && op !== '>/';
    const isFilter = isComparisonOp(op) && !returnBool;
    for (let k = 0; k < this.#count; k++) {
      if (many.present[k] === SLOT_EMPTY || one.present[k] === SLOT_EMPTY) continue;
      const left = this.#isSwapped ? one : many;
      const right = this.#isSwapped ? many : one;
      if (isFast && left.present[k] === SLOT_FLOAT) {
        const value = scalarOperation(op, left.values[k]!, right.values[k]!);
        this.#mark(mark, k);
        if (isFilter && value === 0) continue;
        refuseTaken(out, k);
        setFloat(out, k, isFilter ? left.values[k]! : value);
        continue;
      }
      const result = elementOperation(this.#ev, op, elementAt(left, k), elementAt(right, k), pos);
      if (result === undefined) continue;
      this.#mark(mark, k);
      if (!result.keep && !returnBool) continue;
      refuseTaken(out, k);
      const bool: Element = { value: result.keep ? 1 : 0, histogram: undefined };
      putElement(out, k, returnBool ? bool : result);
    }
  }

  #dropsName(): boolean {
    return this.#expr.returnBool;
  }

  #markOf(
    group: MatchGroup,
    labels: Labels,
    taken: Map<MatchGroup, Map<string, Uint8Array>>,
  ): Uint8Array {
    let marks = taken.get(group);
    if (marks === undefined) taken.set(group, (marks = new Map()));
    const key = this.#matching.card === 'one-to-one' ? '' : labelsKey(labels);
    let mark = marks.get(key);
    if (mark === undefined) marks.set(key, (mark = new Uint8Array(this.#count)));
    return mark;
  }

  #mark(mark: Uint8Array, k: number): void {
    if (mark[k] === 1)
      throw executionError(
        this.#matching.card === 'one-to-one'
          ? 'multiple matches for labels: many-to-one matching must be explicit ' +
              '(group_left/group_right)'
          : 'multiple matches for labels: grouping labels must ensure unique matches',
      );
    mark[k] = 1;
  }

  /** Labels of a result: of the "many" side, cut to what matched where both sides are single. */
  #resultLabels(many: Labels, one: Labels): Labels {
    const { op, returnBool } = this.#expr;
    const { card, on, labels: names, include } = this.#matching;
    const dropsName = changesMeaning(op) || (returnBool && !this.#ev.delayedNameRemoval);
    let labels = dropsName ? dropMetadataLabels(many) : many;
    if (card === 'one-to-one')
      labels = labelsFromPairs(labels.filter((_, i) => names.includes(labels[i & ~1]!) === on));
    for (const name of include) {
      const value = labelValue(one, name);
      labels = value === '' ? withoutLabel(labels, name) : withLabel(labels, name, value);
    }
    return labels;
  }
}

export function joinVectors(
  ev: Evaluation,
  expr: BinaryExpr,
  left: readonly Column[],
  right: readonly Column[],
  count: number,
): Promise<Column[]> {
  return new Joiner(ev, expr, count).join(left, right);
}
