// Which series the log has defined since the last cut, and whose they are: one number per ref, so
// that checking that a write uses refs of its own tenant, and finding those whose labels the record
// must repeat, is one comparison a sample.
import type { SeriesRef } from '../model/columns.ts';
import { AppError } from '../model/errors.ts';
import type { TenantId } from '../model/tenant.ts';
import { grownU32 } from './growable.ts';
import type { SeriesIndex } from './series-index.ts';

export class SeriesMarks {
  readonly #index: SeriesIndex;
  /** By ref the mark of the tenant that it was defined for; another number: not since the cut. */
  #marks = new Uint32Array(1024);
  readonly #markOf = new Map<TenantId, number>();
  #lastMark = 0;

  constructor(index: SeriesIndex) {
    this.#index = index;
  }

  /**
   * Adds refs that were not defined since the last cut to `definitions` and marks them. Throws
   * AppError stale-ref where a ref is not a series of the tenant; then the caller must `forget`.
   */
  define(tenant: TenantId, refs: Uint32Array, count: number, definitions: SeriesRef[]): void {
    const mark = this.#mark(tenant);
    for (let i = 0; i < count; i++) {
      i = firstUnmarked(this.#marks, mark, refs, i, count);
      if (i === count) return;
      this.defineOne(tenant, refs[i]!, definitions);
    }
  }

  defineOne(tenant: TenantId, ref: SeriesRef, definitions: SeriesRef[]): void {
    const mark = this.#mark(tenant);
    if (this.#marks[ref] === mark) return;
    this.check(tenant, ref);
    this.#marks = grownU32(this.#marks, ref + 1);
    this.#marks[ref] = mark;
    definitions.push(ref);
  }

  /** Throws AppError stale-ref. */
  check(tenant: TenantId, ref: SeriesRef): void {
    if (this.#index.tenantOf(ref) !== tenant)
      throw new AppError('conflict', 'stale-ref', `series ref ${ref} is not known any more`);
  }

  /** What was to define these did not get into the log. */
  forget(definitions: readonly SeriesRef[]): void {
    for (const ref of definitions) this.#marks[ref] = 0;
  }

  /** From now on every series must be defined again. */
  cut(): void {
    this.#markOf.clear();
  }

  #mark(tenant: TenantId): number {
    let mark = this.#markOf.get(tenant);
    if (mark === undefined) this.#markOf.set(tenant, (mark = ++this.#lastMark));
    return mark;
  }
}

/** Index of the first ref from `from` on that has another mark; `count` where none has. */
function firstUnmarked(
  marks: Uint32Array,
  mark: number,
  refs: Uint32Array,
  from: number,
  count: number,
): number {
  const { length } = marks;
  for (let i = from; i < count; i++) {
    const ref = refs[i]!;
    if (ref >= length || marks[ref] !== mark) return i;
  }
  return count;
}
