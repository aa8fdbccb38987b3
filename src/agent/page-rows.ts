// The series of a target's pages. Pages of one target are the same lines in the same order, nearly
// always: the series behind the one before is compared with the bytes at hand, and only where it is
// another one it is looked up by them.
import { pairsKey, refOfPairs } from '../formats/pairs-key.ts';
import { latin1Of } from '../formats/prometheus-text/known-comments.ts';
import { labelsFromPairs, labelValue, METRIC_NAME } from '../model/labels.ts';
import type { RowDictionary, RowKey } from '../model/rows.ts';
import { ROW_UNKNOWN } from '../model/rows.ts';
import { REF_REFUSED } from '../model/storage.ts';
import type { Relabelling } from '../relabel/relabelling.ts';
import { must } from '../stdx/assert.ts';

/** A series of a page. */
export interface PageRow {
  /** Bytes of both ranges of its RowKey as characters, the second range first. */
  readonly key: string;
  /** Where the first range begins. */
  readonly split: number;
  readonly pairs: readonly string[];
  /** What rules made of them; undefined: no rules. */
  readonly ruled: Ruled | undefined;
  /** In the last good page; -1: it was not in there. */
  place: number;
  /** Number of the last scan that found it. */
  scan: number;
  /** Of that scan. */
  ref: number;
  /** Its samples have times of their own: it never goes stale. */
  isTimed: boolean;
}

/** The labels that rules leave of a series, or why there are none. */
type Ruled =
  | { readonly kind: 'kept'; readonly pairs: readonly string[]; readonly key: Uint8Array }
  | { readonly kind: 'dropped' }
  | { readonly kind: 'refused'; readonly reason: string };

function ruledBy(relabelling: Relabelling, pairs: readonly string[]): Ruled {
  const ruled = relabelling.apply(labelsFromPairs(pairs));
  if (ruled.kind !== 'kept') return ruled;
  const { labels } = ruled;
  if (labelValue(labels, METRIC_NAME) === '')
    return { kind: 'refused', reason: 'relabelling leaves a series without a name' };
  return { kind: 'kept', pairs: labels, key: pairsKey(labels) };
}

function keyText(
  bytes: Uint8Array,
  start: number,
  end: number,
  start2: number,
  end2: number,
): string {
  if (start2 === end2) return latin1Of(bytes, start, end);
  const key = new Uint8Array(end2 - start2 + end - start);
  key.set(bytes.subarray(start2, end2), 0);
  key.set(bytes.subarray(start, end), end2 - start2);
  return latin1Of(key, 0, key.length);
}

function isKeyOf(
  { key, split }: PageRow,
  bytes: Uint8Array,
  start: number,
  end: number,
  start2: number,
  end2: number,
): boolean {
  if (end2 - start2 !== split || end - start !== key.length - split) return false;
  for (let i = 0; i < split; i++) if (key.charCodeAt(i) !== bytes[start2 + i]) return false;
  for (let i = split, at = start; at < end; i++, at++)
    if (key.charCodeAt(i) !== bytes[at]) return false;
  return true;
}

/** Names a row among those of a page. */
function idOf(key: string, split: number): string {
  return `${split} ${key}`;
}

/** Of the last good page. */
export class PageRows {
  #order: readonly PageRow[] = [];
  /** Made when a page is not like the one before. */
  #byId: Map<string, PageRow> | undefined = undefined;
  #scanCount = 0;

  get order(): readonly PageRow[] {
    return this.#order;
  }

  nextScan(): number {
    return ++this.#scanCount;
  }

  search(id: string): PageRow | undefined {
    this.#byId ??= new Map(this.#order.map((row) => [idOf(row.key, row.split), row]));
    return this.#byId.get(id);
  }

  /** These are the rows of the last good page now. */
  take(order: readonly PageRow[], timed: ReadonlySet<number>): void {
    let isSame = order.length === this.#order.length;
    for (const [place, row] of order.entries()) {
      isSame &&= row.place >= 0;
      row.place = place;
      row.isTimed = timed.has(row.ref);
    }
    if (!isSame) this.#byId = undefined;
    this.#order = order;
  }
}

/** Passes everything on and remembers the page's series by the bytes that identify them. */
export class RowRecorder implements RowDictionary {
  /** Series of the page, as they come. */
  readonly order: PageRow[] = [];
  /** Of rows that rules drop; undefined: there was none. */
  droppedRef: number | undefined = undefined;
  readonly #known: PageRows;
  readonly #inner: RowDictionary;
  readonly #relabelling: Relabelling | undefined;
  readonly #scan: number;
  /** Those that the last good page had not. */
  readonly #fresh = new Map<string, PageRow>();
  /** Place of the series that is expected. */
  #next = 0;
  #refusal: string | undefined = undefined;

  constructor(inner: RowDictionary, known: PageRows, relabelling: Relabelling | undefined) {
    this.#inner = inner;
    this.#known = known;
    this.#relabelling = relabelling;
    this.#scan = known.nextScan();
  }

  get freshCount(): number {
    return this.#fresh.size;
  }

  find(bytes: Uint8Array, start: number, end: number, start2: number, end2: number): number {
    let row = this.#known.order[this.#next];
    if (row === undefined || !isKeyOf(row, bytes, start, end, start2, end2)) {
      const id = idOf(keyText(bytes, start, end, start2, end2), end2 - start2);
      row = this.#fresh.get(id) ?? this.#known.search(id);
      // Its labels are wanted, also where the dictionary would know it.
      if (row === undefined) return ROW_UNKNOWN;
    }
    if (row.place >= 0) this.#next = row.place + 1;
    const ref =
      row.ruled === undefined
        ? this.#refOf(row.pairs, bytes, start, end, start2, end2)
        : this.#ruledRef(row.ruled);
    this.#note(row, ref);
    return ref;
  }

  #refOf(
    pairs: readonly string[],
    bytes: Uint8Array,
    start: number,
    end: number,
    start2: number,
    end2: number,
  ): number {
    const ref = this.#inner.find(bytes, start, end, start2, end2);
    if (ref !== ROW_UNKNOWN) return ref;
    return this.#inner.add({ bytes, start, end, start2, end2 }, pairs, undefined);
  }

  add(key: RowKey, pairs: readonly string[]): number {
    const ruled = this.#relabelling && ruledBy(this.#relabelling, pairs);
    const { bytes, start, end, start2, end2 } = key;
    const text = keyText(bytes, start, end, start2, end2);
    const split = end2 - start2;
    const row = { key: text, split, pairs, ruled, place: -1, scan: 0, ref: 0, isTimed: false };
    const ref =
      ruled === undefined
        ? this.#refOf(pairs, bytes, start, end, start2, end2)
        : this.#ruledRef(ruled);
    this.#fresh.set(idOf(text, split), row);
    this.#note(row, ref);
    return ref;
  }

  #note(row: PageRow, ref: number): void {
    row.ref = ref;
    if (row.scan === this.#scan) return;
    row.scan = this.#scan;
    this.order.push(row);
  }

  /** By what it is now: its bytes mean something else where there are no rules. */
  #ruledRef(ruled: Ruled): number {
    this.#refusal = ruled.kind === 'refused' ? ruled.reason : undefined;
    if (ruled.kind === 'refused') return REF_REFUSED;
    if (ruled.kind === 'kept') return refOfPairs(this.#inner, ruled.pairs, ruled.key);
    this.droppedRef ??= must(this.#inner.drop?.(), 'rules come with what can drop');
    return this.droppedRef;
  }

  /** Rows of the last good page that this one has not. */
  gone(): readonly PageRow[] {
    return this.#known.order.filter(({ scan }) => scan !== this.#scan);
  }

  /** Where it ends, as where it stands. */
  refOfRow({ pairs, ruled }: PageRow): number {
    return ruled === undefined ? refOfPairs(this.#inner, pairs) : this.#ruledRef(ruled);
  }

  refusal = (): string => this.#refusal ?? this.#inner.refusal();
}
