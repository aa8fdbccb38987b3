// What stood still while writes were slow: of every two seconds with a slow write, what the server
// says of its event loop, its collections and the syncs of its log, and how late this process was.
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** A spell is told of from here on. */
const SLOW_WRITE_MS = 100;
const SPELLS_MAX = 50;
const LAG_RESOLUTION_MS = 2;

export interface SlowSpell {
  /** When it ended, since the start. */
  readonly atSec: number;
  readonly writeMsMax: number;
  /** The longest turn of the server's event loop. */
  readonly serverLagMs: number;
  readonly majorGcMs: number;
  readonly syncs: number;
  /** All of those syncs together. */
  readonly syncMs: number;
  /** The longest turn of this process. */
  readonly ownLagMs: number;
}

/** The sum of all samples of a name with these labels on a metrics page. */
function valueOf(page: string, series: string): number {
  const line = page.split('\n').find((one) => one.startsWith(`${series} `));
  if (line === undefined) throw new Error(`/metrics has no ${series}`);
  return Number(line.slice(series.length + 1));
}

interface Totals {
  readonly majorGcMs: number;
  readonly syncs: number;
  readonly syncMs: number;
}

export class SlowSpells {
  readonly #url: string;
  readonly #lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  readonly spells: SlowSpell[] = [];
  #writeMsMax = 0;
  #last: Totals | undefined;

  constructor(url: string) {
    this.#url = url;
    this.#lag.enable();
  }

  note(writeMs: number): void {
    this.#writeMsMax = Math.max(this.#writeMsMax, writeMs);
  }

  /** To be called every two seconds or so. */
  async look(sinceStartMs: number): Promise<void> {
    const writeMsMax = this.#writeMsMax;
    const ownLagMs = this.#lag.max / 1e6 - LAG_RESOLUTION_MS;
    this.#writeMsMax = 0;
    this.#lag.reset();
    const page = await (await fetch(`${this.#url}/metrics`)).text();
    const now = {
      majorGcMs: 1000 * valueOf(page, 'nodejs_gc_duration_seconds_sum{kind="major"}'),
      syncs: valueOf(page, 'orrery_log_sync_duration_seconds_count'),
      syncMs: 1000 * valueOf(page, 'orrery_log_sync_duration_seconds_sum'),
    };
    const last = this.#last;
    this.#last = now;
    if (last === undefined || writeMsMax < SLOW_WRITE_MS || this.spells.length === SPELLS_MAX)
      return;
    this.spells.push({
      atSec: Math.round(sinceStartMs / 1000),
      writeMsMax: Math.round(writeMsMax),
      serverLagMs: Math.round(1000 * valueOf(page, 'nodejs_eventloop_lag_max_seconds')),
      majorGcMs: Math.round(now.majorGcMs - last.majorGcMs),
      syncs: now.syncs - last.syncs,
      syncMs: Math.round(now.syncMs - last.syncMs),
      ownLagMs: Math.round(ownLagMs),
    });
  }

  stop(): void {
    this.#lag.disable();
  }
}
