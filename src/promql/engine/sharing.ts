// Parts of an expression that are written more than once are evaluated once. Equal parts are found
// by their structure alone, positions aside. The value is kept until its last use; every use before
// gets columns of its own over the same values, and pays for them as for a copy.
import type { StepGrid } from '../../windows/sliding.ts';
import type { Expr } from '../ast.ts';
import type { Value } from './column.ts';
import { childrenOf, isLeafAggregation, unwrap } from './prepare.ts';

/** Told before so many columns are copied. */
type OnCopy = (columnCount: number) => void;

interface Part {
  readonly key: string;
  /** Uses that are still to come. */
  left: number;
}

export class Sharing {
  readonly #parts: ReadonlyMap<Expr, Part>;
  readonly #values = new Map<string, Value>();

  constructor(expr: Expr) {
    this.#parts = new Counting().repeated(expr);
  }

  /** Is the expression written elsewhere too? */
  has(expr: Expr): boolean {
    return this.#parts.has(expr);
  }

  /**
   * The value of an equal part over the same steps, to do with as one likes. `onCopy` is called
   * where it is needed again.
   */
  take(expr: Expr, grid: StepGrid, mode: string, onCopy: OnCopy): Value | undefined {
    const part = this.#parts.get(expr)!;
    part.left--;
    const key = keyOf(part, grid, mode);
    const value = this.#values.get(key);
    if (value === undefined || part.left > 0) return value && copyOf(value, onCopy);
    this.#values.delete(key);
    return value;
  }

  /** Keeps a value for the uses to come; what the caller goes on with is a copy. */
  keep(expr: Expr, grid: StepGrid, mode: string, kept: Value, onCopy: OnCopy): Value {
    const part = this.#parts.get(expr)!;
    if (part.left <= 0) return kept;
    this.#values.set(keyOf(part, grid, mode), kept);
    return copyOf(kept, onCopy);
  }
}

function keyOf({ key }: Part, { startUs, stepUs, count }: StepGrid, mode: string): string {
  return `${key} ${startUs} ${stepUs} ${count} ${mode}`;
}

/** Columns of their own, for the labels may be changed; what they hold is not. */
function copyOf(value: Value, onCopy: OnCopy): Value {
  if (value.kind !== 'vector') return value;
  onCopy(value.columns.length);
  return { kind: 'vector', columns: value.columns.map((column) => ({ ...column })) };
}

/** Gives equal expressions equal numbers, from the leaves up. */
class Counting {
  readonly #ids = new Map<string, number>();
  readonly #idOf = new Map<Expr, number>();
  readonly #uses = new Map<number, Expr[]>();

  repeated(expr: Expr): ReadonlyMap<Expr, Part> {
    if (isChain(expr)) return NOTHING;
    this.#number(expr);
    this.#count(expr);
    const parts = new Map<Expr, Part>();
    for (const [id, uses] of this.#uses) {
      if (uses.length < 2) continue;
      const part = { key: String(id), left: uses.length };
      for (const one of uses) parts.set(one, part);
    }
    return parts;
  }

  #number(expr: Expr): number {
    const children = childrenOf(expr).map((child) => this.#number(child));
    const own = Object.entries(expr).filter(([key]) => !CHILD_FIELDS.has(key));
    const text = `${JSON.stringify(own, written)} ${children.join(' ')}`;
    let id = this.#ids.get(text);
    if (id === undefined) this.#ids.set(text, (id = this.#ids.size));
    this.#idOf.set(expr, id);
    return id;
  }

  /** Below the second use of a part nothing is counted: it is not evaluated again. */
  #count(expr: Expr): void {
    if (isWorthIt(expr)) {
      const id = this.#idOf.get(expr)!;
      const uses = this.#uses.get(id);
      if (uses === undefined) this.#uses.set(id, [expr]);
      else {
        uses.push(expr);
        return;
      }
    }
    for (const child of childrenOf(expr)) if (!isPushed(expr, child)) this.#count(child);
  }
}

const NOTHING: ReadonlyMap<Expr, Part> = new Map();

/** No part has a second one beside it, and none equals a part of itself: nothing is repeated. */
function isChain(expr: Expr): boolean {
  let one = expr;
  for (;;) {
    const children = childrenOf(one);
    if (children.length > 1) return false;
    if (children.length === 0) return true;
    one = children[0]!;
  }
}

/** Fields of an expression that hold expressions: they are told by their numbers. */
const CHILD_FIELDS: ReadonlySet<string> = new Set(['expr', 'lhs', 'rhs', 'args', 'param', 'pos']);

/** Positions do not count; numbers that JSON has no word for do. */
function written(key: string, value: unknown): unknown {
  if (key === 'pos') return undefined;
  if (typeof value !== 'number') return value;
  return Number.isFinite(value) && !Object.is(value, -0) ? value : `number ${1 / value} ${value}`;
}

/** What is evaluated by itself and costs more than to copy its value. */
function isWorthIt(expr: Expr): boolean {
  const { type } = expr;
  return (
    type === 'VectorSelector' ||
    type === 'AggregateExpr' ||
    type === 'Call' ||
    (type === 'BinaryExpr' && expr.matching !== undefined)
  );
}

/** Computed together with its aggregation in the storage, if nothing unusual stands there. */
function isPushed(expr: Expr, child: Expr): boolean {
  if (expr.type !== 'AggregateExpr' || child !== expr.expr) return false;
  if (!isLeafAggregation(expr.op)) return false;
  const inner = unwrap(child);
  if (inner.type === 'VectorSelector') return true;
  return inner.type === 'Call' && inner.args.some((arg) => unwrap(arg).type === 'MatrixSelector');
}
