/**
 * The mock's data: every series is a pure function of its labels and the time, so that two runs
 * draw the same picture. Queries are not evaluated; known metric names stand for known series.
 */
export interface MockSeries {
  readonly metric: Readonly<Record<string, string>>;
  /** Value at a time in seconds; undefined where the series has no sample. */
  readonly at: (sec: number) => number | undefined;
  /** Instead of a value: a native histogram as the API prints it. */
  readonly histogramAt?: (sec: number) => unknown;
}

const GIB = 1024 ** 3;

/** A number in [0, 1) from a text: FNV-1a with a final mix. */
function unit(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32;
}

/** A lively line around `level`: two waves and a little noise that is the same at every look. */
function wave(seed: string, level: number, swing: number): (sec: number) => number {
  const phase = unit(seed) * 6.28;
  return (sec) => {
    const slow = Math.sin(sec / 97 + phase);
    const fast = Math.sin(sec / 23 + 3 * phase);
    const noise = unit(`${seed}/${Math.floor(sec / 5)}`) - 0.5;
    return Math.max(0, level + swing * (0.5 * slow + 0.3 * fast + 0.4 * noise));
  };
}

function one(labels: Record<string, string>, at: MockSeries['at']): MockSeries[] {
  return [{ metric: labels, at }];
}

function many(
  label: string,
  values: readonly (readonly [string, number, number])[],
  name?: string,
): MockSeries[] {
  return values.map(([value, level, swing]) => ({
    metric: { ...(name === undefined ? {} : { __name__: name }), [label]: value },
    at: wave(`${label}=${value}`, level, swing),
  }));
}

const MOUNTS: readonly (readonly [string, number, number])[] = [
  ['/', 40, 0.58],
  ['/data', 200, 0.93],
  ['/boot', 0.5, 0.31],
];

function filesystem(name: string, share: (used: number) => number): MockSeries[] {
  return MOUNTS.map(([mountpoint, sizeGib, used]) => ({
    metric: {
      __name__: name,
      mountpoint,
      fstype: 'ext4',
      device: `/dev${mountpoint}`,
      job: 'node',
    },
    at: () => sizeGib * GIB * share(used),
  }));
}

const HOSTILE_VALUES = [
  '<img src=x onerror="window.hacked=1">',
  '"><script>window.hacked=1</script>',
  "javascript:window.hacked=1//' onmouseover='window.hacked=1",
  '\u202Egnp.exe \u0000\u0007 {{constructor}} ${7*7}',
  'a'.repeat(300),
];

function target(job: string): MockSeries {
  return { metric: { job, instance: 'localhost:4332' }, at: (sec) => sec };
}

/** Latencies around a wandering middle, in buckets that grow by a quarter of a power of two. */
function latencies(job: string): MockSeries {
  const middle = wave(job, 12, 14);
  return {
    metric: { job },
    at: () => undefined,
    histogramAt: (sec) => {
      const centre = middle(sec) - 24;
      const buckets = Array.from({ length: 40 }, (_, index) => {
        const exponent = index - 32;
        const count = 40 * Math.exp(-(((exponent - centre) / 4) ** 2));
        return [
          0,
          String(2 ** ((exponent - 1) / 4)),
          String(2 ** (exponent / 4)),
          count.toFixed(3),
        ];
      }).filter(([, , , count]) => Number(count) > 0.05);
      return { count: '283.6', sum: '41.25', buckets };
    },
  };
}

/** Rules in order; the first whose text is in the query answers. */
const RULES: readonly (readonly [string, () => MockSeries[]])[] = [
  ['mock_empty', () => []],
  ['max(timestamp(', () => one({}, (sec) => Math.floor(sec) - 3)],
  ['mock_histogram', () => [latencies('shop'), latencies('basket')]],
  [
    'mock_exemplars',
    () => one({ __name__: 'mock_exemplars', job: 'shop' }, wave('exemplars', 1, 0.6)),
  ],
  ['mock_warnings', () => many('shard', [['0', 40, 12]], 'mock_warnings')],
  ['mock_slow', () => many('shard', [['0', 40, 12]], 'mock_slow')],
  [
    'mock_huge',
    () =>
      Array.from({ length: 1200 }, (_, index) => ({
        metric: { __name__: 'mock_huge', series: String(index).padStart(4, '0') },
        at: wave(`huge${index}`, 10 + index, 8),
      })),
  ],
  [
    'mock_hostile',
    () =>
      HOSTILE_VALUES.map((value, index) => ({
        metric: { __name__: 'mock_hostile', value, '<b>label</b>': String(index) },
        at: wave(value, 5 + index, 2),
      })),
  ],
  [
    'mock_gaps',
    () =>
      one({ __name__: 'mock_gaps_bytes' }, (sec) =>
        Math.floor(sec / 420) % 2 === 0 || Math.floor(sec / 10) % 19 === 0
          ? wave('gaps', 3e6, 2e6)(sec)
          : undefined,
      ),
  ],
  ['mode="idle"', () => one({}, wave('busy', 0.34, 0.16))],
  [
    'node_cpu_seconds_total',
    () =>
      many('mode', [
        ['iowait', 0.02, 0.03],
        ['system', 0.09, 0.06],
        ['user', 0.22, 0.14],
      ]),
  ],
  ['MemTotal_bytes{job="node"} -', () => one({ job: 'node' }, wave('used', 3.1 * GIB, GIB / 2))],
  ['MemTotal', () => one({ __name__: 'node_memory_MemTotal_bytes', job: 'node' }, () => 8 * GIB)],
  [
    'MemAvailable',
    () =>
      one(
        { __name__: 'node_memory_MemAvailable_bytes', instance: 'localhost', job: 'node' },
        wave('available', 4.9 * GIB, GIB / 2),
      ),
  ],
  ['node_load15', () => one({ __name__: 'node_load15' }, wave('l15', 0.9, 0.1))],
  ['node_load1', () => one({ __name__: 'node_load1' }, wave('l1', 1.1, 0.9))],
  ['node_load5', () => one({ __name__: 'node_load5' }, wave('l5', 1, 0.4))],
  ['node_disk_read', () => one({}, wave('read', 1.2e6, 2.4e6))],
  ['node_disk_written', () => one({}, wave('written', 5.5e6, 4e6))],
  [
    'by (device)',
    () =>
      many('device', [
        ['eth0', 3e5, 2e5],
        ['docker0', 4e4, 3e4],
      ]),
  ],
  ['node_network_receive', () => one({}, wave('receive', 3.1e5, 2e5))],
  ['node_network_transmit', () => one({}, wave('transmit', 1.4e5, 1.1e5))],
  ['node_filesystem_size', () => filesystem('node_filesystem_size_bytes', () => 1)],
  ['node_filesystem_avail', () => filesystem('node_filesystem_avail_bytes', (used) => 1 - used)],
  [
    'orrery_ingest_samples_total',
    () =>
      many('protocol', [
        ['collector', 320, 8],
        ['influx', 1450, 300],
        ['remote_write', 820, 120],
      ]),
  ],
  ['orrery_tsdb_active_series', () => one({}, (sec) => 2140 + Math.floor(wave('a', 9, 9)(sec)))],
  ['orrery_data_disk_bytes', () => one({}, (sec) => 3.4e7 + (sec % 7200) * 1100)],
  ['orrery_ingest_refused_rows_total', () => []],
  ['timestamp(up{', () => ['node', 'orrery'].map(target)],
  [
    'up',
    () =>
      ['node', 'orrery'].map((job) => ({
        metric: { __name__: 'up', instance: 'localhost:4332', job },
        at: () => 1,
      })),
  ],
  [
    'room_temperature',
    () => one({ __name__: 'room_temperature', name: 'kitchen' }, wave('r', 21, 1)),
  ],
];

export function seriesFor(expr: string): readonly MockSeries[] {
  return RULES.find(([text]) => expr.includes(text))?.[1]() ?? [];
}

export const HOST_NAMES: readonly string[] = [
  'mock_histogram',
  'node_cpu_seconds_total',
  'node_load1',
  'node_memory_MemAvailable_bytes',
  'orrery_data_disk_bytes',
  'orrery_ingest_samples_total',
  'orrery_tsdb_active_series',
  'up',
];
