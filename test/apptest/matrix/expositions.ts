// Rows of the matrix: the exposition formats of Prometheus, as pages that are pushed.
import { bytesField, doubleField, varintField } from '../../support/protobuf-writer.ts';
import { BASE_NS, doubleOf } from './points.ts';
import type { Point, Value } from './points.ts';
import { absent, timesOf } from './protocol.ts';
import type { Limit, Protocol } from './protocol.ts';
import { bits, decimal, lineOf, MS, ONLY_DOUBLES, SECOND, TEXT_NAN, US } from './writing.ts';

/** What Prometheus stores where a text says NaN. */
const PROMETHEUS_NAN = 0x7ff8_0000_0000_0001n;

const quoted = (text: string): string =>
  `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;

function expositionLine(point: Point): string {
  const labels = Object.entries(point.labels).map(
    ([name, value]) => `${quoted(name)}=${quoted(value)}`,
  );
  const value = decimal(point.value, { nan: 'NaN', infinity: 'Inf' });
  return `{${[quoted(point.name), ...labels].join(',')}} ${value} ${point.timeNs / MS}`;
}

function withPrometheusNan(value: Value): Value {
  const isNan = value.kind === 'f64' && Number.isNaN(doubleOf(value.bits));
  return isNan ? { kind: 'f64', bits: PROMETHEUS_NAN } : value;
}

const TEXT: Protocol = {
  name: 'Prometheus text',
  page: 'prometheus-text',
  values: { ...ONLY_DOUBLES, ...TEXT_NAN },
  texts: [],
  time: timesOf(MS, 'milliseconds'),
  stored: withPrometheusNan,
  send: (target, points) =>
    target.post('/api/v1/import/prometheus', lineOf(points.map(expositionLine))),
};

const OPENMETRICS_TYPE = { 'Content-Type': 'application/openmetrics-text; version=1.0.0' };

function secondsOf(timeNs: bigint): string {
  const us = timeNs / US;
  const size = us < 0n ? -us : us;
  const fraction = String(size % 1_000_000n).padStart(6, '0');
  return `${us < 0n ? '-' : ''}${size / 1_000_000n}.${fraction}`;
}

function openmetricsLine(point: Point): string {
  const line = expositionLine(point);
  return `${line.slice(0, line.lastIndexOf(' '))} ${secondsOf(point.timeNs)}`;
}

/** From here on neighbouring doubles are two microseconds apart. */
const COARSE_NS = (1n << 33n) * SECOND;

function openmetricsTimes(timeNs: bigint): Limit | undefined {
  if (timeNs >= COARSE_NS && timeNs % SECOND !== 0n) return absent('seconds are doubles');
  return timesOf(US, 'microseconds')(timeNs);
}

const OPENMETRICS: Protocol = {
  ...TEXT,
  name: 'OpenMetrics',
  time: openmetricsTimes,
  send: (target, points) => {
    const page = `${lineOf(points.map(openmetricsLine))}# EOF\n`;
    return target.post('/api/v1/import/prometheus', page, OPENMETRICS_TYPE);
  },
};

const FAMILY_TYPE = {
  'Content-Type':
    'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited',
};
const UNTYPED = 3;

function family(point: Point): number[] {
  const labels = Object.entries(point.labels).flatMap(([name, value]) =>
    bytesField(1, [...bytesField(1, name), ...bytesField(2, value)]),
  );
  const value = bytesField(5, doubleField(1, bits(point)));
  const metric = [...labels, ...value, ...varintField(6, point.timeNs / MS)];
  const message = [
    ...bytesField(1, point.name),
    ...varintField(3, UNTYPED),
    ...bytesField(4, metric),
  ];
  // The length of a message stands before it, as behind the number of a field.
  return bytesField(1, message).slice(1);
}

const FAMILIES: Protocol = {
  name: 'Prometheus protobuf',
  page: 'prometheus-text',
  values: ONLY_DOUBLES,
  texts: [],
  time: (timeNs) =>
    timeNs === 0n
      ? absent('0 is how a message says that there is no time')
      : timesOf(MS, 'milliseconds')(timeNs),
  send: (target, points) =>
    target.post('/api/v1/import/prometheus', Uint8Array.from(points.flatMap(family)), FAMILY_TYPE),
};

/** As of `--scrape` in the settings of the matrix. */
export const SCRAPED = { job: 'matrix', instance: 'page' } as const;

const SCRAPE: Protocol = {
  ...TEXT,
  name: 'the collector',
  page: 'scraping',
  identity: ({ name, labels }) => ({ name, labels: { ...labels, ...SCRAPED } }),
  send: (target, points) => target.page(lineOf(points.map(expositionLine))),
};

function pushedLine(point: Point): string {
  const line = expositionLine(point);
  return line.slice(0, line.lastIndexOf(' '));
}

const PUSHGATEWAY: Protocol = {
  ...TEXT,
  name: 'Pushgateway',
  page: 'pushgateway',
  time: (timeNs) => (timeNs === BASE_NS ? undefined : absent('what is pushed has no time')),
  arrives: true,
  identity: ({ name, labels }) => ({ name, labels: { ...labels, job: 'matrix' } }),
  send: (target, points) => target.post('/metrics/job/matrix', lineOf(points.map(pushedLine))),
};

export const EXPOSITION_ROWS: readonly Protocol[] = [
  TEXT,
  OPENMETRICS,
  FAMILIES,
  SCRAPE,
  PUSHGATEWAY,
];
