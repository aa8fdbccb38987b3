/** What the mock's store is made of: names, labels, values, metadata, counts. */
import { seriesFor } from './series.ts';

const TYPES: Readonly<Record<string, readonly [string, string, string]>> = {
  node_cpu_seconds_total: ['counter', 'seconds', 'Seconds the CPUs spent in each mode.'],
  node_load1: ['gauge', '', '1 m load average.'],
  node_memory_MemAvailable_bytes: [
    'gauge',
    '',
    'Memory information field node_memory_MemAvailable_bytes.',
  ],
  mock_histogram: ['histogram', 'seconds', 'Time a request took, as a native histogram.'],
  orrery_ingest_samples_total: [
    'counter',
    '',
    'Samples accepted, by protocol. <b>Text</b> of a writer is only text, however long it is: '.repeat(
      3,
    ),
  ],
};

/** Of one metric, or of all. */
export function metadata(
  metric: string | undefined,
  names: readonly string[],
): Record<string, unknown> {
  const wanted = metric === undefined ? names : [metric];
  return Object.fromEntries(
    wanted.flatMap((name) => {
      const row = TYPES[name];
      return row === undefined
        ? []
        : [[name, [{ type: row[0], unit: row[1], help: row[2] }]] as const];
    }),
  );
}

export function labelAnswer(
  label: string,
  params: URLSearchParams,
  names: readonly string[],
): readonly string[] {
  if (label === '__name__') return names;
  const matching = names
    .filter((name) => (params.get('match[]') ?? name).startsWith(name))
    .flatMap((name) => seriesFor(name));
  const values = new Set(matching.flatMap(({ metric }) => metric[label] ?? []));
  return [...values].toSorted();
}

export function seriesAnswer(params: URLSearchParams): readonly unknown[] {
  const selector = params.get('match[]') ?? '';
  const [name = ''] = /[\w:]+/.exec(selector) ?? [];
  const limit = Number(params.get('limit') ?? '0');
  return seriesFor(selector)
    .map(({ metric }) => ({ ...metric, __name__: name }))
    .slice(0, limit === 0 ? undefined : limit);
}

export function tsdbStatus(names: readonly string[], limit: number): unknown {
  const counts = names
    .map((name) => ({ name, value: name.startsWith('mock_huge') ? 1200 : seriesFor(name).length }))
    .toSorted((a, b) => b.value - a.value);
  const total = counts.reduce((sum, { value }) => sum + value, 0);
  return {
    headStats: { numSeries: total, numLabelPairs: 41, chunkCount: 0, minTime: 0, maxTime: 0 },
    seriesCountByMetricName: counts.slice(0, limit),
    labelValueCountByLabelName: [
      { name: '__name__', value: names.length },
      { name: 'series', value: 1200 },
      { name: 'mode', value: 3 },
    ].slice(0, limit),
    memoryInBytesByLabelName: [],
    seriesCountByLabelValuePair: [{ name: 'job=node', value: 12 }].slice(0, limit),
  };
}
