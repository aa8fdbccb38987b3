// The newest sample of a series in a range, read where it lies in the pages of the head: no column
// is made. A look goes through the generations from the oldest to the newest; what it cannot tell
// (objects, companions, kinds that were not asked for) is left to the general way.
import { KIND } from '../model/columns.ts';
import type { KindMask } from '../model/columns.ts';
import { RECORD, UNSORTED } from './head-append.ts';
import type { HeadBytes, HeadViews } from './head-pages.ts';
import {
  hasCompanions,
  isSealed,
  kindOf,
  metaAt,
  offsetAt,
  previousOf,
  tickUsOf,
  usedOf,
  valueBehind,
} from './head-pages.ts';
import { latestUs, samplesIn, unpackPage } from './head-sealed.ts';
import type { TimeRange } from './samples.ts';

const COUNT_MASK = 0x7fff_ffff;
/** The 64 bits of the staleness marker, as two halves. */
const STALE_LOW = 2;
const STALE_HIGH = 0x7ff00000;
const TWO_32 = 2 ** 32;

/** What is looked for, and what was found. */
export class HeadLook {
  readonly range: TimeRange;
  readonly kinds: KindMask;
  /** Is there a sample? */
  isFound = false;
  /** Somebody else must look. */
  isUnclear = false;
  tUs = 0;
  value = 0;
  isStale = false;

  constructor(range: TimeRange, kinds: KindMask) {
    this.range = range;
    this.kinds = kinds;
  }

  reset(): void {
    this.isFound = false;
    this.isUnclear = false;
  }
}

/**
 * Of the first `count` samples of a series the newest in the range; of equal times the later one.
 * It replaces what was found in an older generation where it is not older than that.
 */
export function lookInHead(memory: HeadBytes, record: number, count: number, look: HeadLook): void {
  const { i32, f64 } = memory;
  const { startUs, endUs } = look.range;
  const isAscending = (i32[record + RECORD.count]! & UNSORTED) === 0;
  let page = i32[record + RECORD.page]!;
  let visible = usedOf(i32[record + RECORD.meta]!);
  // From the newest page back to the one that holds the last visible sample.
  for (let before = (i32[record + RECORD.count]! & COUNT_MASK) - count; before > 0;) {
    if (before < visible) {
      visible -= before;
      break;
    }
    before -= visible;
    page = previousOf(i32, page);
    visible = samplesIn(i32, page);
  }
  // Of what an older generation has, an equal time is overwritten by this one.
  let isMine = false;
  while (page !== 0) {
    const meta = metaAt(i32, page);
    const baseUs = f64[page]!;
    const tickUs = tickUsOf(meta);
    // The base is the time of a page's first sample.
    const from = isAscending && baseUs > endUs ? -1 : visible - 1;
    let views: HeadViews = memory;
    let place = page;
    if (isSealed(meta) && from >= 0) {
      if (isAscending && latestUs(memory, page, visible) < startUs) return;
      views = unpackPage(memory, page);
      place = 0;
    }
    for (let slot = from; slot >= 0; slot--) {
      const at = offsetAt(place, slot);
      const tUs = baseUs + views.i32[at]! * tickUs;
      if (tUs > endUs) continue;
      if (tUs < startUs) {
        if (isAscending) return;
        continue;
      }
      if (look.isFound && (isMine ? tUs <= look.tUs : tUs < look.tUs)) {
        if (isAscending) return;
        // Nanoseconds decide.
        if (tUs === look.tUs && hasCompanions(meta)) look.isUnclear = true;
        continue;
      }
      take(look, views, meta, valueBehind(at, slot));
      look.tUs = tUs;
      isMine = true;
      if (isAscending || look.isUnclear) return;
    }
    page = previousOf(i32, page);
    visible = page === 0 ? 0 : samplesIn(i32, page);
  }
}

/** Notes the sample whose value is at `place` of `i32`. */
function take(look: HeadLook, { i32, f64 }: HeadViews, meta: number, place: number): void {
  const kind = kindOf(meta);
  look.isFound = true;
  look.isStale = false;
  const isAsked = (look.kinds & (1 << kind)) !== 0;
  if (!isAsked || kind > KIND.boolean || hasCompanions(meta)) {
    look.isUnclear = true;
    return;
  }
  const low = i32[place]!;
  const high = i32[place + 1]!;
  if (kind === KIND.f64) {
    look.isStale = high === STALE_HIGH && low === STALE_LOW;
    look.value = f64[place >>> 1]!;
  } else if (kind === KIND.boolean) look.value = low;
  else look.value = (kind === KIND.i64 ? high : high >>> 0) * TWO_32 + (low >>> 0);
}
