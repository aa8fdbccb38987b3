// `npm run bench:churn`: the RAM index while series come and go. Ten million series over thirty
// days of simulated time, each seen for a while and never again, a tenth of them living for a day:
// bytes allocated by the index and resident memory, day by day. Then one tenant with a million
// series beside ten thousand tenants with a hundred each. `--series N`, `--days N`, `--tenants N`.
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { LabelBytes } from '../src/model/label-bytes.ts';
import { SERIES_IDLE_MS } from '../src/tsdb/limits.ts';
import { SeriesIndex } from '../src/tsdb/series-index.ts';
import { answerHelp } from './help.ts';

answerHelp(import.meta.filename);

const { values: options } = parseArgs({
  options: {
    series: { type: 'string', default: '10000000' },
    days: { type: 'string', default: '30' },
    tenants: { type: 'string', default: '10000' },
  },
});
const SERIES = Number(options.series);
const DAYS = Number(options.days);
const TENANTS = Number(options.tenants);
const START_MS = Date.UTC(2026, 10, 1);
const HOUR_MS = 3_600_000;
const FLUSH_HOURS = 2;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Without what is garbage: that is a matter of when the collector ran. */
function heapBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

/** One label set at a time, written into one body. */
class Body {
  readonly labels = new LabelBytes();
  readonly #bytes = Buffer.alloc(4096);
  #end = 0;

  constructor() {
    const { buffer, byteOffset, byteLength } = this.#bytes;
    this.labels.open(this.#bytes, new DataView(buffer, byteOffset, byteLength));
  }

  of(...pairs: readonly string[]): LabelBytes {
    // The labels before are compared with, so they must not be overwritten at once.
    if (this.#end > 2048) this.#end = 0;
    this.labels.next();
    for (let i = 0; i < pairs.length; i += 2) {
      const middle = this.#end + this.#bytes.write(pairs[i]!, this.#end);
      const end = middle + this.#bytes.write(pairs[i + 1]!, middle);
      this.labels.push(this.#end, middle, middle, end);
      this.#end = end;
    }
    return this.labels;
  }
}

function podLabels(body: Body, i: number): LabelBytes {
  const pod = (i / 20) | 0;
  return body.of(
    '__name__',
    `requests_${i % 20}_total`,
    'container',
    ['app', 'proxy', 'log'][i % 3]!,
    'instance',
    `10.0.${(pod >> 5) & 255}.${pod & 31}:9090`,
    'job',
    'kube',
    'namespace',
    `ns-${pod % 50}`,
    'pod',
    `web-${pod % 200}-${pod.toString(36)}`,
    'uid',
    `${(Math.imul(i, 0x9e3779b1) >>> 0).toString(16)}-${i.toString(36)}`,
  );
}

const mb = (bytes: number): string => (bytes / 1e6).toFixed(1).padStart(7);

function churn(): void {
  const index = new SeriesIndex(7);
  const body = new Body();
  const perHour = Math.round(SERIES / DAYS / 24);
  let count = 0;
  /** Series that are written each hour, with the hour they end in. */
  let long: { ref: number; endHour: number }[] = [];
  let longestPauseMs = 0;
  for (let hour = 0; hour < DAYS * 24; hour++) {
    const nowMs = START_MS + hour * HOUR_MS;
    const refs = new Uint32Array(perHour);
    for (let i = 0; i < perHour; i++) {
      const ref = index.resolveBytes('t', podLabels(body, count++));
      refs[i] = ref;
      if (i % 10 === 0) long.push({ ref, endHour: hour + 24 });
    }
    index.applied('t', refs, nowMs);
    long = long.filter(({ endHour }) => endHour > hour);
    index.applied(
      't',
      Uint32Array.from(long, ({ ref }) => ref),
      nowMs,
    );
    if (hour % FLUSH_HOURS === 0) {
      const before = performance.now();
      const request = { nowMs, idleMs: SERIES_IDLE_MS, countMax: 16_384, isHeld: () => false };
      while (index.retire(request) === 16_384);
      index.sweep();
      longestPauseMs = Math.max(longestPauseMs, performance.now() - before);
    }
    if (hour % 24 === 23)
      console.log(
        `day ${String((hour + 1) / 24).padStart(2)}: ${count} series so far, ` +
          `${index.findableCount} in memory, index ${mb(index.sizeBytes)} MB, ` +
          `RSS ${mb(process.memoryUsage.rss())} MB`,
      );
  }
  console.log(`longest stop for retiring and sweeping together: ${longestPauseMs.toFixed(0)} ms`);
}

/** Bytes a series of an index with so many tenants, all series findable. */
function tenants(tenantCount: number, perTenant: number): number {
  const index = new SeriesIndex(7);
  const body = new Body();
  const before = heapBytes();
  for (let t = 0; t < tenantCount; t++) {
    const refs = new Uint32Array(perTenant);
    for (let i = 0; i < perTenant; i++)
      refs[i] = index.resolveBytes(`tenant-${t}`, podLabels(body, t * perTenant + i));
    index.applied(`tenant-${t}`, refs, START_MS);
  }
  const heap = heapBytes() - before;
  const total = index.sizeBytes + Math.max(heap, 0);
  console.log(
    `${tenantCount} x ${perTenant} series: typed arrays ${mb(index.sizeBytes)} MB, ` +
      `heap ${mb(heap)} MB, ${(total / tenantCount / perTenant).toFixed(1)} B a series`,
  );
  return total;
}

churn();
const one = tenants(1, TENANTS * 100);
const many = tenants(TENANTS, 100);
console.log(`many tenants cost ${(many / one).toFixed(2)} times one tenant`);
