// The table of the matrix: a protocol joins by a row. `send` writes points as a client of the
// protocol does, here by hand, so that no code of the server's makes what the server reads.
import { gzipSync } from 'node:zlib';
import { encodeSnappy } from '../../../src/codec/snappy.ts';
import { bytesField, doubleField, varintField } from '../../support/protobuf-writer.ts';
import { requestV2 } from '../../support/remote-write-v2.ts';
import { bitsOf, doubleOf, doubleText, PLACES, TEXT_FEATURES } from './points.ts';
import type { Point, Value } from './points.ts';
import { absent, dropped, refused, timesOf } from './protocol.ts';
import type { Answer, Protocol, TextLimit } from './protocol.ts';
import { EXPOSITION_ROWS } from './expositions.ts';
import {
  bits,
  decimal,
  JSON_TYPE,
  lineOf,
  MS,
  ONLY_DOUBLES,
  pairsOf,
  PROTOBUF,
  SECOND,
  TEXT_NAN,
  US,
} from './writing.ts';

// ---------------------------------------------------------------- Prometheus

function writeRequest(points: readonly Point[]): Uint8Array {
  const series = points.map((point) => {
    const labels = pairsOf(point).flatMap(([name, value]) =>
      bytesField(1, [...bytesField(1, name), ...bytesField(2, value)]),
    );
    const sample = [...doubleField(1, bits(point)), ...varintField(2, point.timeNs / MS)];
    return bytesField(1, [...labels, ...bytesField(2, sample)]);
  });
  return encodeSnappy(Uint8Array.from(series.flat()));
}

function writeRequestV2(points: readonly Point[]): Uint8Array {
  const message = requestV2(
    points.map((point) => ({
      labels: pairsOf(point).flat(),
      samples: [{ value: bits(point), tMs: Number(point.timeNs / MS) }],
    })),
  );
  return encodeSnappy(message);
}

function remoteWrite(version: string, proto: string, encode: typeof writeRequest): Protocol {
  const headers = {
    'Content-Type': `application/x-protobuf;proto=${proto}`,
    'Content-Encoding': 'snappy',
    'X-Prometheus-Remote-Write-Version': version,
  };
  return {
    name: `remote write ${version}`,
    page: 'remote-write',
    values: ONLY_DOUBLES,
    texts: [],
    time: timesOf(MS, 'milliseconds'),
    send: (target, points) => target.post('/api/v1/write', encode(points), headers),
  };
}

// ---------------------------------------------------------------- InfluxDB

const escaped = (text: string): string => text.replaceAll(/[,= ]/g, '\\$&');

function fieldValue(value: Value): string {
  if (value.kind === 'string') return `"${value.text.replaceAll(/["\\]/g, '\\$&')}"`;
  if (value.kind === 'boolean') return value.truth ? 'true' : 'f';
  if (value.kind === 'f64') return doubleText(value.bits);
  return `${value.digits}${value.kind === 'i64' ? 'i' : 'u'}`;
}

function influxLines(
  points: readonly Point[],
  unitNs: bigint,
  [measurement, field]: readonly [(name: string) => string, (name: string) => string],
): string {
  return lineOf(
    points.map((point) => {
      const tags = Object.entries(point.labels).map(
        ([key, tag]) => `,${escaped(key)}=${escaped(tag)}`,
      );
      const key = escaped(measurement(point.name)) + tags.join('');
      return `${key} ${escaped(field(point.name))}=${fieldValue(point.value)} ${point.timeNs / unitNs}`;
    }),
  );
}

const INFLUX = {
  page: 'influx',
  values: {
    infinities: refused('floats of line protocol are finite'),
    NaN: refused('floats of line protocol are finite'),
    'NaN payloads': absent('floats of line protocol are finite'),
  },
  texts: [
    { places: PLACES, characters: ['line breaks'], limit: absent('a line break ends the line') },
    {
      places: PLACES,
      characters: ['a backslash at the end'],
      limit: absent('it would escape what comes behind'),
    },
  ],
} as const;

/** A refused float still needs a text. */
const influxText = (points: readonly Point[], unitNs: bigint): string =>
  influxLines(points, unitNs, [(name) => name, () => 'value']);

const INFLUX_LINES = { ...INFLUX, time: timesOf(1n, 'nanoseconds') } as const;

const INFLUX_ROWS: readonly Protocol[] = [
  {
    ...INFLUX,
    name: 'InfluxDB 1.x',
    time: timesOf(1n, 'nanoseconds'),
    send: (target, points) => target.post('/write', influxText(points, 1n)),
  },
  {
    ...INFLUX,
    name: 'InfluxDB 1.x, by fields',
    time: timesOf(MS, 'milliseconds'),
    identity: ({ name, labels }) => ({ name: `m_${name}`, labels }),
    send: (target, points) =>
      target.post('/write?precision=ms', influxLines(points, MS, [() => 'm', (name) => name])),
  },
  {
    ...INFLUX,
    name: 'InfluxDB 2.x, bucket DB/RP',
    time: timesOf(US, 'microseconds'),
    identity: ({ name, labels }) => ({ name, labels: { ...labels, db: 'home', rp: 'daily' } }),
    send: (target, points) =>
      target.post(
        '/api/v2/write?bucket=home/daily&org=any&precision=us',
        gzipSync(influxText(points, US)),
        { 'Content-Encoding': 'gzip' },
      ),
  },
  {
    ...INFLUX,
    name: 'InfluxDB 3',
    time: timesOf(1n, 'nanoseconds'),
    identity: ({ name, labels }) => ({ name, labels: { ...labels, db: 'home' } }),
    send: (target, points) =>
      target.post('/api/v3/write_lp?db=home&precision=nanosecond', influxText(points, 1n)),
  },
  {
    ...INFLUX_LINES,
    name: 'line protocol, TCP',
    send: (target, points) => target.lines('influx-tcp', influxText(points, 1n)),
  },
  {
    ...INFLUX_LINES,
    name: 'line protocol, UDP',
    send: (target, points) =>
      target.datagrams('influx-udp', influxText(points, 1n).trimEnd().split('\n')),
  },
];

// ---------------------------------------------------------------- OpenTSDB

const OPENTSDB_CHARACTERS = 'letters, digits, "-", "_", "." and "/"';
const isWord = (characters: string): boolean =>
  characters === 'letters' || characters.startsWith('dots');
const OPENTSDB_TEXTS: readonly TextLimit[] = [
  {
    places: PLACES,
    characters: TEXT_FEATURES.filter((one) => !isWord(one)),
    limit: refused(`names and tags are of ${OPENTSDB_CHARACTERS}`),
  },
];

/** An integer that a double equals is stored as the double. */
function asOpentsdb(value: Value): Value {
  if (value.kind !== 'i64') return value;
  const double = Number(value.digits);
  return BigInt(double) === value.digits ? { kind: 'f64', bits: bitsOf(double) } : value;
}

/** Numbers below 2^32 are seconds, from there on milliseconds. */
function opentsdbTime(timeNs: bigint): bigint {
  const ms = timeNs / MS;
  return ms < 1n << 32n ? timeNs / SECOND : ms;
}

function opentsdbTimes(timeNs: bigint) {
  if (timeNs <= 0n) return refused('times are above 0');
  return timesOf(MS, 'milliseconds')(timeNs);
}

const OPENTSDB = {
  page: 'opentsdb',
  values: {
    ...TEXT_NAN,
    infinities: refused('values are finite'),
    NaN: refused('values are finite'),
    'unsigned integers': absent('integers have 64 bits with a sign'),
    booleans: refused('values are numbers'),
    strings: refused('values are numbers'),
  },
  time: opentsdbTimes,
  stored: asOpentsdb,
} as const;

function opentsdbValue(value: Value): string {
  if (value.kind === 'boolean') return String(value.truth);
  if (value.kind === 'string') return JSON.stringify(value.text);
  const text = decimal(value);
  return /^[-\d]/.test(text) && !text.endsWith('y') ? text : `"${text}"`;
}

function opentsdbJson({ name, labels, value, timeNs }: Point): string {
  const head = `"metric":${JSON.stringify(name)},"tags":${JSON.stringify(labels)}`;
  return `{${head},"timestamp":${opentsdbTime(timeNs)},"value":${opentsdbValue(value)}}`;
}

function telnetLine({ name, labels, value, timeNs }: Point): string {
  const tags = Object.entries(labels).map(([key, tag]) => ` ${key}=${tag}`);
  return `put ${name} ${opentsdbTime(timeNs)} ${decimal(value)}${tags.join('')}`;
}

const OPENTSDB_ROWS: readonly Protocol[] = [
  {
    ...OPENTSDB,
    name: 'OpenTSDB, /api/put',
    texts: OPENTSDB_TEXTS,
    send: (target, points) => {
      const body = `[${points.map(opentsdbJson).join(',')}]`;
      return target.post('/api/put?details', body, JSON_TYPE);
    },
  },
  {
    ...OPENTSDB,
    name: 'OpenTSDB, telnet',
    values: {
      ...OPENTSDB.values,
      booleans: absent('values are numbers'),
      strings: absent('values are numbers'),
    },
    texts: [
      { places: PLACES, characters: ['line breaks'], limit: absent('a line break ends the line') },
      ...OPENTSDB_TEXTS,
    ],
    send: (target, points) => target.lines('opentsdb-telnet', lineOf(points.map(telnetLine))),
  },
];

// ---------------------------------------------------------------- Graphite

function graphiteTime(timeNs: bigint): string {
  const us = timeNs / US;
  const size = us < 0n ? -us : us;
  const sign = us < 0n ? '-' : '';
  return `${sign}${size / 1_000_000n}.${String(size % 1_000_000n).padStart(6, '0')}`;
}

function graphiteLine({ name, labels, value, timeNs }: Point): string {
  const entries = Object.entries(labels);
  const quotedTags = entries.map(([tag, text]) => `${tag}="${text.replaceAll(/["\\]/g, '\\$&')}"`);
  const tags = entries.map(([tag, text]) => `;${tag}=${text}`).join('');
  // Only the form with braces takes a semicolon in a name.
  const path = name.includes(';') ? `${name}{${quotedTags.join(',')}}` : name + tags;
  return `${path} ${decimal(value, { nan: 'nan', infinity: 'inf' })} ${graphiteTime(timeNs)}`;
}

function graphite(name: string, send: Protocol['send']): Protocol {
  return {
    name: `Graphite, ${name}`,
    page: 'graphite',
    values: {
      ...ONLY_DOUBLES,
      ...TEXT_NAN,
      NaN: dropped('nan is how collectors say that there is no value'),
    },
    texts: [
      {
        places: PLACES,
        characters: ['blanks', 'tabs, carriage returns', 'line breaks'],
        limit: absent('blanks and line breaks part the words of a line'),
      },
      {
        places: ['label name'],
        characters: ['semicolons'],
        limit: refused('; ! ^ = are not in names of tags'),
      },
      {
        places: ['label name'],
        characters: ['syntax'],
        limit: absent('an equals sign ends the name of a tag'),
      },
      {
        places: ['label value'],
        characters: ['semicolons'],
        limit: refused('a semicolon parts tags'),
      },
    ],
    time: (timeNs) =>
      timeNs / SECOND === -1n
        ? absent('-1, and what is cut to it, means now')
        : timesOf(US, 'microseconds')(timeNs),
    send,
  };
}

const graphiteLines = (points: readonly Point[]): readonly string[] => points.map(graphiteLine);
const GRAPHITE_ROWS = [
  graphite('TCP', (target, points) => target.lines('graphite', lineOf(graphiteLines(points)))),
  graphite('UDP', (target, points) => target.datagrams('graphite', graphiteLines(points))),
  graphite('the sink', (target, points) =>
    target.post('/graphite/api/v1/sink', lineOf(graphiteLines(points))),
  ),
];

// ---------------------------------------------------------------- Warp 10

/** Quotes would end a string. */
const percent = (text: string): string => encodeURIComponent(text).replaceAll("'", '%27');

function warp10Value(value: Value): string {
  if (value.kind === 'boolean') return value.truth ? 'T' : 'false';
  if (value.kind === 'string') return `'${percent(value.text)}'`;
  return decimal(value);
}

const WARP10: Protocol = {
  name: 'Warp 10',
  page: 'warp10',
  values: { ...TEXT_NAN, 'unsigned integers': absent('longs have a sign') },
  texts: [],
  time: timesOf(US, 'microseconds'),
  send: (target, points) => {
    const lines = points.map(({ name, labels, value, timeNs }) => {
      const pairs = Object.entries(labels).map(([key, text]) => `${percent(key)}=${percent(text)}`);
      return `${timeNs / US}// ${percent(name)}{${pairs.join(',')}} ${warp10Value(value)}`;
    });
    return target.post('/api/v0/update', lineOf(lines), { 'X-Warp10-Token': 'any' });
  },
};

// ---------------------------------------------------------------- OTLP

function otlpMetric({ name, labels, value, timeNs }: Point): number[] {
  const number =
    value.kind === 'i64'
      ? doubleField(6, BigInt.asUintN(64, value.digits))
      : doubleField(4, bits({ name, labels, value, timeNs }));
  const attributes = Object.entries(labels).flatMap(([key, text]) =>
    bytesField(7, [...bytesField(1, key), ...bytesField(2, bytesField(1, text))]),
  );
  const point = [...doubleField(3, timeNs), ...number, ...attributes];
  return bytesField(2, [...bytesField(1, name), ...bytesField(5, bytesField(1, point))]);
}

function otlpBody(points: readonly Point[]): Uint8Array {
  const scope = points.flatMap(otlpMetric);
  return Uint8Array.from(bytesField(1, bytesField(2, scope)));
}

function otlpJson(points: readonly Point[]): string {
  const metrics = points.map(({ name, labels, value, timeNs }) => {
    const text = decimal(value);
    const double = /^-?[\d.]/.test(text) ? text : `"${text}"`;
    const number = value.kind === 'i64' ? `"asInt":"${text}"` : `"asDouble":${double}`;
    const attributes = Object.entries(labels).map(([key, stringValue]) => ({
      key,
      value: { stringValue },
    }));
    const point = `{"timeUnixNano":"${timeNs}",${number},"attributes":${JSON.stringify(attributes)}}`;
    return `{"name":${JSON.stringify(name)},"gauge":{"dataPoints":[${point}]}}`;
  });
  return `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[${metrics.join(',')}]}]}]}`;
}

const OTLP = {
  page: 'otlp',
  texts: [],
  time: (timeNs: bigint) => {
    if (timeNs < 0n) return absent('times are unsigned');
    return timeNs === 0n ? refused('0 means that there is no time') : undefined;
  },
} as const;
const OTLP_VALUES = {
  'unsigned integers': absent('integers have 64 bits with a sign'),
  booleans: absent('values are numbers'),
  strings: absent('values are numbers'),
} as const;

const OTLP_ROWS: readonly Protocol[] = [
  {
    ...OTLP,
    name: 'OTLP, protobuf',
    values: OTLP_VALUES,
    send: (target, points) => target.post('/v1/metrics', otlpBody(points), PROTOBUF),
  },
  {
    ...OTLP,
    name: 'OTLP, JSON',
    values: { ...OTLP_VALUES, ...TEXT_NAN },
    send: (target, points) => target.post('/v1/metrics', otlpJson(points), JSON_TYPE),
  },
];

// ---------------------------------------------------------------- JSON lines

const metricOf = (point: Point): string => JSON.stringify(Object.fromEntries(pairsOf(point)));

function jsonLine(point: Point): string {
  const text = decimal(point.value, { nan: 'null', infinity: 'Infinity"' });
  const value = text.endsWith('"') ? `"${text}` : text;
  return `{"metric":${metricOf(point)},"values":[${value}],"timestamps":[${point.timeNs / MS}]}`;
}

function exactValue(value: Value): string {
  if (value.kind === 'boolean') return String(value.truth);
  if (value.kind === 'string') return JSON.stringify(value.text);
  if (value.kind !== 'f64') return `"${value.digits}"`;
  const double = doubleOf(value.bits);
  if (Number.isNaN(double)) return `"NaN:${value.bits.toString(16).padStart(16, '0')}"`;
  return Number.isFinite(double) ? doubleText(value.bits) : `"${double}"`;
}

function exactLine(point: Point): string {
  const { value, timeNs } = point;
  const subNs = ((timeNs % US) + US) % US;
  const us = (timeNs - subNs) / US;
  const head = `"metric":${metricOf(point)},"kind":"${value.kind}"`;
  return `{${head},"values":[${exactValue(value)}],"timestampsUs":[${us}],"subNs":[${subNs}]}`;
}

const JSON_ROWS: readonly Protocol[] = [
  {
    name: "JSON lines, VictoriaMetrics' form",
    page: 'json-lines',
    values: { ...ONLY_DOUBLES, ...TEXT_NAN },
    texts: [],
    time: timesOf(MS, 'milliseconds'),
    send: (target, points) => target.post('/api/v1/import', lineOf(points.map(jsonLine))),
  },
  {
    name: 'JSON lines, exact',
    page: 'json-lines',
    values: {},
    texts: [],
    time: timesOf(1n, 'nanoseconds'),
    send: (target, points) => target.post('/api/v1/import', lineOf(points.map(exactLine))),
  },
];

// ---------------------------------------------------------------- CSV

const cell = (text: string): string => `"${text.replaceAll('"', '""')}"`;

/** A row, under a format of its own: each point has other labels. */
function csvRow({ labels, value, timeNs }: Point): string {
  const texts = Object.values(labels).map(cell);
  return [String(timeNs), decimal(value, { nan: 'NaN', infinity: 'Inf' }), ...texts].join(',');
}

function csvFormat({ name, labels }: Point): string {
  const columns = Object.keys(labels).map((label, i) => `${i + 3}:label:${label}`);
  return ['1:time:unix_ns', `2:metric:${name}`, ...columns].join(',');
}

const CSV: Protocol = {
  name: 'CSV',
  page: 'csv',
  values: { ...ONLY_DOUBLES, ...TEXT_NAN },
  texts: [
    {
      places: ['name', 'label name'],
      characters: ['syntax'],
      limit: absent('commas and colons part the words of the format'),
    },
    {
      places: ['name', 'label name'],
      characters: ['blanks', 'line breaks', 'tabs, carriage returns'],
      limit: absent('blanks around the words of the format are left out'),
    },
  ],
  time: timesOf(1n, 'nanoseconds'),
  send: async (target, points) => {
    let last: Answer = undefined;
    for (const point of points) {
      const format = encodeURIComponent(csvFormat(point));
      last = await target.post(`/api/v1/import/csv?format=${format}&header=0`, csvRow(point));
      if (last !== undefined && last.status >= 300) return last;
    }
    return last;
  },
};

// ---------------------------------------------------------------- collectd

function wholeOrDigits(value: Value): Value {
  if (value.kind !== 'i64' && value.kind !== 'u64') return value;
  const double = Number(value.digits);
  if (BigInt(double) === value.digits) return { kind: 'f64', bits: bitsOf(double) };
  return { kind: value.digits < 1n << 63n ? 'i64' : 'u64', digits: value.digits };
}

const COLLECTD_HOST = 'a';

function valueList({ name, labels, value, timeNs }: Point): string {
  const host = labels['host'] ?? COLLECTD_HOST;
  const list = JSON.stringify({ host, plugin: name, type: 'gauge', dsnames: ['value'] });
  const number = decimal(value, { nan: 'null', infinity: '' });
  return `${list.slice(0, -1)},"values":[${number}],"time":${graphiteTime(timeNs)}}`;
}

const COLLECTD: Protocol = {
  name: 'collectd, JSON',
  page: 'collectd',
  values: {
    infinities: absent('JSON has none'),
    NaN: dropped('null is how collectd says that there is no value'),
    'NaN payloads': absent('JSON has none'),
    booleans: absent('values are numbers'),
    strings: absent('values are numbers'),
  },
  texts: [
    {
      places: ['label name'],
      characters: TEXT_FEATURES,
      limit: absent('labels have the names that collectd gives them'),
    },
  ],
  time: timesOf(MS, 'milliseconds'),
  identity: ({ name, labels }) => ({
    name: `${name}_value`,
    labels: { host: labels['host'] ?? COLLECTD_HOST, plugin: name, type: 'gauge' },
  }),
  stored: wholeOrDigits,
  send: (target, points) =>
    target.post('/collectd', `[${points.map(valueList).join(',')}]`, JSON_TYPE),
};

export const PROTOCOLS: readonly Protocol[] = [
  remoteWrite('1.0', 'prometheus.WriteRequest', writeRequest),
  remoteWrite('2.0', 'io.prometheus.write.v2.Request', writeRequestV2),
  ...INFLUX_ROWS,
  ...OPENTSDB_ROWS,
  ...GRAPHITE_ROWS,
  WARP10,
  ...OTLP_ROWS,
  ...EXPOSITION_ROWS,
  ...JSON_ROWS,
  CSV,
  COLLECTD,
];

/** Of listeners, by flag. */
export const LISTENER_FLAGS = ['graphite', 'opentsdb-telnet', 'influx-tcp', 'influx-udp'];
