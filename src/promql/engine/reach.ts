// What of the stored data an evaluation looks at: every selector of an expression with the times
// between which it reads, subqueries, offsets and @ applied. Estimates and caches are made from it;
// nothing is read.
import type { Expr, VectorSelector } from '../ast.ts';
import { atTimeUs, durationUs } from './prepare.ts';
import type { QueryTimes } from './prepare.ts';

/** Inclusive at both ends; nothing outside is looked at. */
export interface Reach {
  readonly selector: VectorSelector;
  readonly startUs: number;
  readonly endUs: number;
}

interface Span {
  readonly startUs: number;
  readonly endUs: number;
}

export interface ReachParams extends QueryTimes {
  readonly lookbackUs: number;
}

/** In the order of the text. Throws where a duration cannot be resolved. */
export function reachesOf(expr: Expr, params: ReachParams): Reach[] {
  const out: Reach[] = [];
  new Walk(params, out).visit(expr, params);
  return out;
}

class Walk {
  readonly #params: ReachParams;
  readonly #out: Reach[];

  constructor(params: ReachParams, out: Reach[]) {
    this.#params = params;
    this.#out = out;
  }

  visit(expr: Expr, span: Span): void {
    switch (expr.type) {
      case 'NumberLiteral':
      case 'StringLiteral':
        return;
      case 'VectorSelector':
        this.#selector(expr, span, 0);
        return;
      case 'MatrixSelector':
        this.#selector(expr.selector, span, durationUs(expr.range, this.#params, false));
        return;
      case 'SubqueryExpr': {
        // Inner steps are multiples of the subquery's step: the first one may lie later.
        const rangeUs = durationUs(expr.range, this.#params, false);
        const { startUs, endUs } = this.#shifted(expr, span);
        this.visit(expr.expr, { startUs: startUs - rangeUs, endUs });
        return;
      }
      case 'ParenExpr':
      case 'UnaryExpr':
        this.visit(expr.expr, span);
        return;
      case 'BinaryExpr':
        this.visit(expr.lhs, span);
        this.visit(expr.rhs, span);
        return;
      case 'AggregateExpr':
        if (expr.param !== undefined) this.visit(expr.param, span);
        this.visit(expr.expr, span);
        return;
      case 'Call':
        for (const arg of expr.args) this.visit(arg, span);
    }
  }

  #shifted({ at, offset }: Pick<VectorSelector, 'at' | 'offset'>, { startUs, endUs }: Span): Span {
    const offsetUs = durationUs(offset, this.#params, true);
    const atUs = atTimeUs(at, this.#params);
    return { startUs: (atUs ?? startUs) - offsetUs, endUs: (atUs ?? endUs) - offsetUs };
  }

  #selector(selector: VectorSelector, span: Span, windowUs: number): void {
    const { lookbackUs } = this.#params;
    const { startUs, endUs } = this.#shifted(selector, span);
    const isExtended = selector.anchored || selector.smoothed;
    const beforeUs = windowUs + (windowUs === 0 || isExtended ? lookbackUs : 0);
    const afterUs = selector.smoothed ? lookbackUs : 0;
    this.#out.push({ selector, startUs: startUs - beforeUs, endUs: endUs + afterUs });
  }
}
