// Gives memory back when the process has been busy and is quiet: what the garbage collector keeps
// committed for the next burst (a young generation of tens of megabytes, pooled pages) and what
// dead buffers still hold. Left alone the runtime does so after half a minute, in small part
// (docs/decisions/0029).
//
// A collection stops the thread for about 2 ms a megabyte of live objects. So it waits until the
// process uses little of a core, it comes once after each time of work, it takes at most a fixed
// share of what was worked, and with a large heap of objects it does not come at all.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Scheduler } from '../../stdx/scheduler.ts';

const LOOK_INTERVAL_MS = 1000;
/** Quiet: the process used less of a core than this since the last look, and the one before. */
const QUIET_SHARE = 0.1;
/** There is something to give back after so much work. */
const WORKED_MS_MIN = 1000;
/** Work that pays for a millisecond of collecting. */
const WORKED_MS_PER_MS = 10;
/** Live objects of more bytes than this would stop the thread for too long. */
const HEAP_USED_MAX_BYTES = 64 * 1024 * 1024;

/** After a query that read much; the next such collection comes no sooner than this. */
const AFTER_QUERY_MS = 20;
const BETWEEN_QUERIES_MS = 500;
/** What has come in buffers since the last such collection pays for one. */
const BUFFERS_GROWN_BYTES = 96 * 1024 * 1024;

/** Of what is alive: so much garbage may come before the whole heap is collected. */
const HEAP_GROWING_PERCENT = 150;

/** How near to its bound resident memory may come before what nobody holds is collected. */
const NEAR_SHARE = 0.9;
const NEAR_LOOK_MS = 100;
/** Below half of it. */
const FAR_LOOK_MS = 500;
/** After such a collection the next one waits so long, longer where it did not help. */
const NEAR_REST_MS = 400;
const NEAR_USELESS_REST_MS = 2000;
const NEAR_USEFUL_SHARE = 0.05;

type Collector = (flavor: 'last-resort' | 'regular') => void;
type Collect = (options: { type: 'major'; flavor: 'last-resort' | 'regular' }) => void;

/** Made by the first use: what it takes is a context of its own. */
let collector: Collect | undefined;

function collectMajor(flavor: 'last-resort' | 'regular'): void {
  if (collector === undefined) {
    setFlagsFromString('--expose-gc');
    collector = runInNewContext('gc') as Collect;
  }
  collector({ type: 'major', flavor });
}

/** Collects what nobody holds, and gives pages back that the collector would keep. */
export function collectAll(): void {
  collectMajor('last-resort');
}

interface Buffered {
  readonly heapUsedBytes: () => number;
  readonly bufferBytes: () => number;
  readonly collect: Collector;
}

/**
 * To be called when a query ended that read or held much: its parcels and columns are buffers that
 * nobody holds, but the runtime would leave them until the next collection, which may be long. This
 * one takes 1 to 15 ms of the thread, while others mark, and gives no pages of the heap back; so it
 * waits until buffers have grown by as much as it is worth. Where somebody ended the query by hand
 * (`isKilled`) they want its memory back, all of it: some 20 ms.
 */
export function collectAfterQueries(
  scheduler: Scheduler,
  one: Buffered = THIS_PROCESS_BUFFERED,
): (isKilled: boolean) => void {
  let isDue = false;
  let isWhole = false;
  let isResting = false;
  let leastBytes = one.bufferBytes();
  const look = (): void => {
    isResting = isDue;
    if (!isDue) return;
    isDue = false;
    const bufferBytes = one.bufferBytes();
    leastBytes = Math.min(leastBytes, bufferBytes);
    const isWorthIt = isWhole || bufferBytes - leastBytes >= BUFFERS_GROWN_BYTES;
    if (isWorthIt && one.heapUsedBytes() < HEAP_USED_MAX_BYTES) {
      one.collect(isWhole ? 'last-resort' : 'regular');
      leastBytes = one.bufferBytes();
    }
    isWhole = false;
    scheduler.after(BETWEEN_QUERIES_MS, look);
  };
  return (isKilled) => {
    if (!isDue && !isResting) scheduler.after(AFTER_QUERY_MS, look);
    isDue = true;
    isWhole ||= isKilled;
  };
}

/**
 * Lets the limit of buffers grow with what is alive, as that of the heap does. Otherwise every few
 * dozen megabytes of bodies and columns start a collection of the whole heap: 206 of them, a fifth
 * of the time, while 12 million samples are written, and 49 with it (docs/decisions/0029). For all
 * threads.
 */
export function countBuffersAsHeap(): void {
  setFlagsFromString('--external-memory-accounted-in-global-limit');
}

/**
 * Lets garbage become one and a half times what is alive. Left alone the runtime collects as often
 * as 3 % of the time pay for, which beside one large query is each second, and each collection
 * stands in the way of writes for up to 25 ms (docs/decisions/0079). For all threads.
 */
export function collectSeldom(): void {
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWING_PERCENT}`);
}

export interface IdleProcess {
  /** What the process has used so far. */
  readonly cpuMs: () => number;
  readonly heapUsedBytes: () => number;
  readonly collect: () => void;
}

const THIS_PROCESS: IdleProcess = {
  cpuMs: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
  heapUsedBytes: () => process.memoryUsage().heapUsed,
  collect: collectAll,
};

const THIS_PROCESS_BUFFERED: Buffered = {
  heapUsedBytes: THIS_PROCESS.heapUsedBytes,
  bufferBytes: () => process.memoryUsage().arrayBuffers,
  collect: collectMajor,
};

/** Looks at the process until the returned function is called. */
export function watchIdleMemory(scheduler: Scheduler, one = THIS_PROCESS): () => void {
  const { cpuMs, heapUsedBytes, collect } = one;
  let cancel: () => void;
  let usedMs = cpuMs();
  let collectedAtMs = usedMs;
  let pauseMs = 0;
  let wasQuiet = false;
  function look(): void {
    const nowMs = cpuMs();
    const isQuiet = nowMs - usedMs < LOOK_INTERVAL_MS * QUIET_SHARE;
    const workedMs = nowMs - collectedAtMs;
    usedMs = nowMs;
    const isDue = workedMs >= Math.max(WORKED_MS_MIN, pauseMs * WORKED_MS_PER_MS);
    if (isQuiet && wasQuiet && isDue && heapUsedBytes() < HEAP_USED_MAX_BYTES) {
      collect();
      collectedAtMs = usedMs = cpuMs();
      pauseMs = collectedAtMs - nowMs;
    }
    wasQuiet = isQuiet;
    cancel = scheduler.after(LOOK_INTERVAL_MS, look);
  }
  cancel = scheduler.after(LOOK_INTERVAL_MS, look);
  return () => cancel();
}

/**
 * Collects where resident memory comes near its bound; beyond it the heap gives its pages back,
 * which takes some 20 ms more of the thread. The runtime knows nothing of the bound: it
 * lets buffers that nobody holds grow by 64 MB before it starts, and on a busy machine by more
 * before it ends. Looks until the returned function is called.
 */
export function watchBoundMemory(
  scheduler: Scheduler,
  boundBytes: number,
  one = {
    residentBytes: () => process.memoryUsage.rss(),
    heapUsedBytes: THIS_PROCESS.heapUsedBytes,
    collect: collectMajor,
  },
): () => void {
  let cancel: () => void;
  let nearBytes = 0;
  function look(): void {
    const residentBytes = one.residentBytes();
    let restMs = residentBytes < boundBytes / 2 ? FAR_LOOK_MS : NEAR_LOOK_MS;
    if (residentBytes > boundBytes * NEAR_SHARE) {
      // Sweeping goes on in other threads: what the last one brought shows by now.
      const isUseless = nearBytes > 0 && residentBytes > nearBytes * (1 - NEAR_USEFUL_SHARE);
      restMs = isUseless ? NEAR_USELESS_REST_MS : NEAR_REST_MS;
      nearBytes = residentBytes;
      const isShort = residentBytes > boundBytes && one.heapUsedBytes() < HEAP_USED_MAX_BYTES;
      one.collect(isShort ? 'last-resort' : 'regular');
    } else nearBytes = 0;
    cancel = scheduler.after(restMs, look);
  }
  cancel = scheduler.after(NEAR_LOOK_MS, look);
  return () => cancel();
}
