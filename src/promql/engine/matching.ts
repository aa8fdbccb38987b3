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
  operateFloats,
  putElement,
  scalarOperation,
} from './binary.ts';
import type { Element } from './binary.ts';
import {
  copySlot,
  dropMetadataLabels,
  isEmptyColumn,
  NewColumns,
  newColumn,
  setFloat,
} from './column.ts';
import type { Column } from './column.ts';
import type { Evaluation } from './context.ts';
import { executionError } from './errors.ts';
import { SLOT_EMPTY } from './result.ts';
import { labelsText } from './text.ts';
import { eachInTurns, mapInTurns } from '../../stdx/turns.ts';
import type { Pausing } from '../../stdx/turns.ts';

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
  readonly key: string;
  readonly labels: Labels;
  readonly left: Column[];
  readonly right: Column[];
  /** By the labels of the result, or by '' where each group has one: slots that have met one. */
  readonly marks: Map<string, Uint8Array>;
}

/** Who meets whom. */
interface Matched {
  readonly groups: Iterable<MatchGroup>;
  /** By the places of the columns. */
  readonly ofLeft: readonly MatchGroup[];
  readonly ofRight: readonly MatchGroup[];
}

async function match(
  on: Pausing,
  matching: VectorMatching,
  left: readonly Column[],
  right: readonly Column[],
): Promise<Matched> {
  const groups = new Map<string, MatchGroup>();
  const groupOf = (column: Column): MatchGroup => {
    const labels = matchLabels(column.labels, matching);
    const key = labelsKey(labels);
    let group = groups.get(key);
    if (group === undefined) {
      group = { key, labels, left: [], right: [], marks: new Map() };
      groups.set(key, group);
    }
    return group;
  };
  const ofLeft = await mapInTurns(on, left, (column) => {
    const group = groupOf(column);
    group.left.push(column);
    return group;
  });
  const ofRight = await mapInTurns(on, right, (column) => {
    const group = groupOf(column);
    group.right.push(column);
    return group;
  });
  return { groups: groups.values(), ofLeft, ofRight };
}

/** Result columns by labels, in order of first appearance; a slot may be filled once only. */
class Output {
  /** Whether the column given out last is a new one: nothing is in it. */
  isNew = false;
  readonly #columns = new Map<string, Column>();
  readonly #made: NewColumns;

  constructor(count: number) {
    this.#made = new NewColumns(count);
  }

  /** `key` is that of the labels. */
  column(key: string, labels: Labels, dropName: boolean): Column {
    let column = this.#columns.get(key);
    this.isNew = column === undefined;
    if (column === undefined) {
      column = this.#made.next(labels, dropName);
      this.#columns.set(key, column);
    }
    return column;
  }

  finish(on: Pausing): Promise<Column[]> {
    return mapInTurns(on, this.#columns.values(), (column) =>
      isEmptyColumn(column) ? undefined : column,
    );
  }
}

function refuseTaken(column: Column, k: number): void {
  if (column.present[k] !== SLOT_EMPTY) throw executionError(SAME_LABELSET);
}

/** Into `any` goes 1 at every step where the column holds something. */
function addPresence(any: Uint8Array, { present }: Column): void {
  for (let k = 0; k < present.length; k++) if (present[k] !== SLOT_EMPTY) any[k] = 1;
}

function unionOf(columns: readonly Column[], count: number): Uint8Array {
  const any = new Uint8Array(count);
  for (const column of columns) addPresence(any, column);
  return any;
}

export async function setOperation(
  ev: Evaluation,
  expr: BinaryExpr,
  left: readonly Column[],
  right: readonly Column[],
  count: number,
): Promise<Column[]> {
  const { groups, ofLeft, ofRight } = await match(ev, expr.matching!, left, right);
  const output = new Output(count);
  const unions = new Map<MatchGroup, Uint8Array>();
  const isOr = expr.op === 'or';
  await eachInTurns(ev, groups, (group) => {
    unions.set(group, unionOf(isOr ? group.left : group.right, count));
  });
  const copy = async (
    columns: readonly Column[],
    groupsOf: readonly MatchGroup[],
    wanted: (any: number) => boolean,
  ): Promise<void> => {
    for (const [i, column] of columns.entries()) {
      const pause = ev.pause();
      if (pause !== undefined) await pause;
      const any = unions.get(groupsOf[i]!)!;
      const { labels, dropName } = column;
      const out = output.column(labelsKey(labels), labels, dropName);
      for (let k = 0; k < count; k++) {
        if (column.present[k] === SLOT_EMPTY || !wanted(any[k]!)) continue;
        refuseTaken(out, k);
        copySlot(out, column, k);
      }
    }
  };
  if (isOr) {
    await copy(left, ofLeft, () => true);
    await copy(right, ofRight, (any) => any === 0);
  } else {
    const want = expr.op === 'and' ? 1 : 0;
    await copy(left, ofLeft, (any) => any === want);
  }
  return await output.finish(ev);
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
    const ev = this.#ev;
    const many = this.#isSwapped ? right : left;
    const one = this.#isSwapped ? left : right;
    const { groups, ofLeft: ofMany, ofRight: ofOne } = await match(ev, this.#matching, many, one);
    const { fillLeft, fillRight } = this.#matching;
    const fills = fillLeft !== undefined || fillRight !== undefined;
    const isActive = fills ? undefined : new Uint8Array(this.#count);
    if (isActive !== undefined)
      await eachInTurns(ev, many, (column) => addPresence(isActive, column));
    await eachInTurns(ev, groups, (group) => {
      if (group.right.length > 1) this.#refuseDuplicates(group, isActive);
    });
    for (const [i, column] of many.entries()) {
      this.#joinColumn(column, ofMany[i]!);
      const pause = ev.pause();
      if (pause !== undefined) await pause;
    }
    if (fillLeft !== undefined)
      for (const [i, column] of one.entries()) {
        this.#fillColumn(column, ofOne[i]!);
        const pause = ev.pause();
        if (pause !== undefined) await pause;
      }
    return await this.#output.finish(ev);
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

  #joinColumn(many: Column, group: MatchGroup): void {
    for (const one of group.right) this.#operate(many, one, group);
    const fill = this.#matching.fillRight;
    if (fill === undefined) return;
    const any = unionOf(group.right, this.#count);
    const one = this.#fillSide(group, many, fill, (k) => any[k] === 0);
    this.#operate(many, one, group);
  }

  /** A stand-in series: the fill value wherever `side` holds something and `wanted`. */
  #fillSide(group: MatchGroup, side: Column, fill: number, wanted: (k: number) => boolean): Column {
    const column = newColumn(group.labels, this.#count, false);
    for (let k = 0; k < this.#count; k++)
      if (side.present[k] !== SLOT_EMPTY && wanted(k)) setFloat(column, k, fill);
    return column;
  }

  #fillColumn(one: Column, group: MatchGroup): void {
    const isMatched = new Uint8Array(this.#count);
    for (const mark of group.marks.values())
      for (let k = 0; k < this.#count; k++) if (mark[k] === 1) isMatched[k] = 1;
    const fill = this.#matching.fillLeft!;
    const many = this.#fillSide(group, one, fill, (k) => isMatched[k] === 0);
    this.#operate(many, one, group);
  }

  #operate(many: Column, one: Column, group: MatchGroup): void {
    const { op } = this.#expr;
    const labels = this.#resultLabels(many.labels, one.labels, group);
    const key = labels === group.labels ? group.key : labelsKey(labels);
    const out = this.#output.column(key, labels, this.#expr.returnBool);
    const marks = this.#matching.card === 'one-to-one' ? '' : key;
    let mark = group.marks.get(marks);
    const isFirst = this.#output.isNew && mark === undefined;
    if (mark === undefined) group.marks.set(marks, (mark = new Uint8Array(this.#count)));
    const left = this.#isSwapped ? one : many;
    const right = this.#isSwapped ? many : one;
    const isPlain = many.histograms === undefined && one.histograms === undefined;
    const isFast = isPlain && op !== '</' && op !== '>/';
    if (isFast && isFirst) this.#operateFloats(left, right, mark, out);
    else this.#operateSlots(left, right, mark, out, isFast);
  }

  /** Floats alone, and nobody was there before. */
  #operateFloats(left: Column, right: Column, mark: Uint8Array, out: Column): void {
    const { op, returnBool } = this.#expr;
    operateFloats(op, left.values, right.values, out.values);
    for (let k = 0; k < this.#count; k++) mark[k] = left.present[k]! & right.present[k]!;
    if (!isComparisonOp(op) || returnBool) {
      out.present.set(mark);
      return;
    }
    for (let k = 0; k < this.#count; k++) {
      out.present[k] = mark[k]! & out.values[k]!;
      out.values[k] = left.values[k]!;
    }
  }

  #operateSlots(left: Column, right: Column, mark: Uint8Array, out: Column, isFast: boolean): void {
    const { op, returnBool, pos } = this.#expr;
    const isFilter = isComparisonOp(op) && !returnBool;
    for (let k = 0; k < this.#count; k++) {
      if (left.present[k] === SLOT_EMPTY || right.present[k] === SLOT_EMPTY) continue;
      if (isFast) {
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
  #resultLabels(many: Labels, one: Labels, group: MatchGroup): Labels {
    const { op, returnBool } = this.#expr;
    const { card, on, labels: names, include } = this.#matching;
    const dropsName = changesMeaning(op) || (returnBool && !this.#ev.delayedNameRemoval);
    // Without what describes the metric, what matched is what is left.
    if (card === 'one-to-one' && dropsName && include.length === 0)
      return dropMetadataLabels(group.labels);
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
