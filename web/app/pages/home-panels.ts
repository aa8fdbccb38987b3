/**
 * The charts of Home as data: queries, names, units. Metric names are node_exporter's and Orrery's
 * own. Gauges are read directly; counters as rates over a window of a few scrapes, so that a server
 * started ten seconds ago already draws.
 */
import type { ChartSeries } from '../util/series.ts';
import { formatValue, type Unit } from '../util/unit.ts';
import type { Labels } from '../util/labels.ts';

export interface PanelScope {
  /** Window of rates, as in `[20s]`. */
  readonly window: string;
  /** Matchers of the job and, where there are several, of its instance. */
  readonly job: string;
}

export interface PanelLine {
  readonly expr: (scope: PanelScope) => string;
  readonly name: (labels: Labels) => string;
}

export interface PanelSpec {
  readonly id: string;
  readonly title: string;
  readonly unit: Unit;
  readonly lines: readonly PanelLine[];
  /** Palette slots of known names; others take the slot of their hash. */
  readonly slots: Readonly<Record<string, number>>;
  /** The one value in the card's head. */
  readonly headline: (series: readonly ChartSeries[]) => string;
}

const RATIO: Unit = { base: 'ratio', perSec: false };
const BYTES: Unit = { base: 'bytes', perSec: false };
const BYTES_PER_SEC: Unit = { base: 'bytes', perSec: true };
const COUNT: Unit = { base: 'none', perSec: false };
const COUNT_PER_SEC: Unit = { base: 'none', perSec: true };

function fixed(name: string, expr: (scope: PanelScope) => string): PanelLine {
  return { expr, name: () => name };
}

function lastOf(series: readonly ChartSeries[], name: string): number | undefined {
  return series.find((entry) => entry.name === name)?.stats?.last;
}

function headlineOf(name: string, unit: Unit): PanelSpec['headline'] {
  return (series) => {
    const last = lastOf(series, name);
    return last === undefined ? '–' : formatValue(last, unit);
  };
}

function sumHeadline(unit: Unit): PanelSpec['headline'] {
  return (series) => {
    const known = series.flatMap((entry) => entry.stats?.last ?? []);
    return known.length === 0
      ? '–'
      : formatValue(
          known.reduce((a, b) => a + b, 0),
          unit,
        );
  };
}

const CPU: PanelSpec = {
  id: 'cpu',
  title: 'CPU',
  unit: RATIO,
  // Shares of all modes and not of the clock: right from the second scrape on, where a rate over a
  // window that is not yet full comes out too small.
  lines: [
    fixed(
      'busy',
      ({ window, job }) =>
        `1 - sum(rate(node_cpu_seconds_total{${job},mode="idle"}[${window}]))` +
        ` / sum(rate(node_cpu_seconds_total{${job}}[${window}]))`,
    ),
    {
      expr: ({ window, job }) =>
        `sum by (mode) (rate(node_cpu_seconds_total{${job},mode=~"user|system|iowait"}[${window}]))` +
        ` / on() group_left() sum(rate(node_cpu_seconds_total{${job}}[${window}]))`,
      name: (labels) => labels['mode'] ?? 'other',
    },
  ],
  slots: { busy: 0, user: 2, system: 1, iowait: 3 },
  headline: headlineOf('busy', RATIO),
};

const MEMORY: PanelSpec = {
  id: 'memory',
  title: 'Memory',
  unit: BYTES,
  lines: [
    fixed(
      'used',
      ({ job }) => `node_memory_MemTotal_bytes{${job}} - node_memory_MemAvailable_bytes{${job}}`,
    ),
    fixed('total', ({ job }) => `node_memory_MemTotal_bytes{${job}}`),
  ],
  slots: { used: 0, total: 7 },
  headline: (series) => {
    const used = lastOf(series, 'used');
    const total = lastOf(series, 'total');
    if (used === undefined || total === undefined || total === 0) return '–';
    return formatValue(used / total, RATIO);
  },
};

const LOAD: PanelSpec = {
  id: 'load',
  title: 'Load',
  unit: COUNT,
  lines: [
    fixed('1 min', ({ job }) => `node_load1{${job}}`),
    fixed('5 min', ({ job }) => `node_load5{${job}}`),
    fixed('15 min', ({ job }) => `node_load15{${job}}`),
  ],
  slots: { '1 min': 0, '5 min': 1, '15 min': 2 },
  headline: headlineOf('1 min', COUNT),
};

const DISK: PanelSpec = {
  id: 'disk',
  title: 'Disk throughput',
  unit: BYTES_PER_SEC,
  lines: [
    fixed('read', ({ window, job }) => `sum(rate(node_disk_read_bytes_total{${job}}[${window}]))`),
    fixed(
      'written',
      ({ window, job }) => `sum(rate(node_disk_written_bytes_total{${job}}[${window}]))`,
    ),
  ],
  slots: { read: 2, written: 1 },
  headline: sumHeadline(BYTES_PER_SEC),
};

const NETWORK: PanelSpec = {
  id: 'network',
  title: 'Network',
  unit: BYTES_PER_SEC,
  lines: [
    fixed(
      'received',
      ({ window, job }) =>
        `sum(rate(node_network_receive_bytes_total{${job},device!="lo"}[${window}]))`,
    ),
    fixed(
      'sent',
      ({ window, job }) =>
        `sum(rate(node_network_transmit_bytes_total{${job},device!="lo"}[${window}]))`,
    ),
  ],
  slots: { received: 2, sent: 1 },
  headline: sumHeadline(BYTES_PER_SEC),
};

const INGEST: PanelSpec = {
  id: 'ingest',
  title: 'Samples written',
  unit: COUNT_PER_SEC,
  lines: [
    {
      expr: ({ window, job }) =>
        `sum by (protocol) (rate(orrery_ingest_samples_total{${job}}[${window}]))`,
      name: (labels) => labels['protocol'] ?? 'all protocols',
    },
  ],
  slots: {},
  headline: sumHeadline(COUNT_PER_SEC),
};

const ACTIVE: PanelSpec = {
  id: 'active',
  title: 'Active series',
  unit: COUNT,
  lines: [fixed('active', ({ job }) => `sum(orrery_tsdb_active_series{${job}})`)],
  slots: { active: 0 },
  headline: headlineOf('active', COUNT),
};

const SIZE: PanelSpec = {
  id: 'size',
  title: 'Data on disk',
  unit: BYTES,
  lines: [fixed('data', ({ job }) => `sum(orrery_data_disk_bytes{${job}})`)],
  slots: { data: 0 },
  headline: headlineOf('data', BYTES),
};

export const HOST_PANELS: readonly PanelSpec[] = [CPU, MEMORY, LOAD, DISK, NETWORK];
export const ORRERY_PANELS: readonly PanelSpec[] = [INGEST, ACTIVE, SIZE];
