// Every setting of the server, once. From this table come the command line, the environment names,
// the keys of orrery.yaml, `--help`, `orrery check config` and docs/flags.md. A key in camelCase
// here is the field of `Settings`; its `flag` is the name on the command line and in the file.
import type { DiscoveredTarget } from '../../agent/file-targets.ts';
import { TRANSLATIONS } from '../../formats/otlp/names.ts';
import type { Translation } from '../../formats/otlp/names.ts';
import { LOG_LEVELS } from '../../telemetry/logger.ts';
import type { Address, DiskShare, Kind, LimitSetting } from './kinds.ts';
import {
  address,
  choice,
  duration,
  flagSwitch,
  integer,
  list,
  path,
  SettingError,
  text,
} from './kinds.ts';
import { diskShare, limits, orNone, size, sizeFrom } from './kinds.ts';
import { scrapeTargets } from './scrape-target.ts';
import { checkSources } from './sources.ts';

/** Below this not even the index of the server's own series fits. */
const MEMORY_BYTES_MIN = 8 * 1024 ** 2;

export interface Flag<T> {
  /** kebab-case, without dashes in front. */
  readonly flag: string;
  readonly kind: Kind<T>;
  readonly fallback: T;
  /** One sentence; Markdown code spans allowed. */
  readonly help: string;
}

function flag<T>(name: string, kind: Kind<T>, fallback: T, help: string): Flag<T> {
  return { flag: name, kind, fallback, help };
}

const MIB = 1024 * 1024;

function checkOrigin(origin: string): void {
  if (origin !== '*' && !/^[a-z][a-z0-9+.-]*:\/\/[^/\s]+$/i.test(origin))
    throw new SettingError(`"${origin}" is not an origin; expected scheme://host[:port], or *`);
}

function checkHostName(host: string): void {
  if (!/^[a-z0-9._-]+$/i.test(host))
    throw new SettingError(`"${host}" is not a host name; give it without scheme and port`);
}

function checkNamePrefix(prefix: string): void {
  if (prefix !== '' && !/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(prefix))
    throw new SettingError(`"${prefix}" is not the start of a metric name`);
}

export const FLAGS = {
  http: flag<Address>(
    'http',
    address,
    { host: '127.0.0.1', port: 4332 },
    'Address of the HTTP listener. Any other than loopback needs `auth`, or `--insecure`.',
  ),
  tlsCertificatePath: flag<string | undefined>(
    'tls-cert',
    orNone(path('FILE')),
    undefined,
    'Certificate of the HTTP listener and those above it, PEM; with `tls-key` the listener speaks HTTPS only. Both files are read again when they change.',
  ),
  tlsKeyPath: flag<string | undefined>(
    'tls-key',
    orNone(path('FILE')),
    undefined,
    'Private key of `tls-cert`, PEM, without a passphrase.',
  ),
  auth: flag(
    'auth',
    choice(['open', 'token', 'trusted-header']),
    'open',
    'Who may do what: `open` lets everybody who reaches a listener do everything; with `token` a token says it; with `trusted-header` a gateway names the tenant in `X-Scope-OrgID`. The first start with one of the latter two writes an admin token to `DATA/admin-token`.',
  ),
  authTrustedFrom: flag<readonly string[]>(
    'auth-trusted-from',
    list('CIDR', checkSources),
    ['127.0.0.0/8', '::1/128'],
    'Addresses of gateways that are believed with `auth trusted-header`; repeatable.',
  ),
  lineTokenFile: flag<string | undefined>(
    'line-token-file',
    orNone(path('FILE')),
    undefined,
    'File with the token of lines (Graphite, OpenTSDB telnet, InfluxDB over TCP and UDP) that bring none of their own; read again when it changes.',
  ),
  graphite: flag<Address | undefined>(
    'graphite',
    orNone(address),
    undefined,
    'Address of the TCP and UDP listener for Graphite lines, 2003 by custom. As with `http`, any other than loopback needs `auth`, or `--insecure`.',
  ),
  opentsdbTelnet: flag<Address | undefined>(
    'opentsdb-telnet',
    orNone(address),
    undefined,
    "Address of the listener for OpenTSDB's telnet commands, 4242 by custom; HTTP is answered there too. Any other than loopback needs `auth`, or `--insecure`.",
  ),
  influxTcp: flag<Address | undefined>(
    'influx-tcp',
    orNone(address),
    undefined,
    'Address of the TCP listener for lines of InfluxDB. Any other than loopback needs `auth`, or `--insecure`.',
  ),
  influxUdp: flag<Address | undefined>(
    'influx-udp',
    orNone(address),
    undefined,
    'Address of the UDP listener for lines of InfluxDB, 8089 by custom. Any other than loopback needs `auth`, or `--insecure`.',
  ),
  influxLinesDb: flag(
    'influx-lines-db',
    text('DB[/RP]', () => undefined),
    '',
    'Database, and retention policy, of lines that come to these two: their labels `db` and `rp`.',
  ),
  influxLinesPrecision: flag(
    'influx-lines-precision',
    choice(['ns', 'us', 'ms', 's', 'm', 'h', 'auto']),
    'ns',
    'What their timestamps count; with `auto` each one says it by its size.',
  ),
  data: flag('data', path('DIR'), './orrery-data', 'Folder that holds everything stored.'),
  config: flag(
    'config',
    path('FILE'),
    './orrery.yaml',
    'Settings file; the default one may be absent.',
  ),
  collect: flag(
    'collect',
    flagSwitch,
    true,
    'Scrape this host and this server into the tenant `default`.',
  ),
  collectIntervalMs: flag('collect-interval', duration, 5_000, 'Time between two such scrapes.'),
  collectToleranceMs: flag(
    'collect-timestamp-tolerance',
    duration,
    0,
    'Scrapes this close to a whole multiple of the interval are stamped with it, e.g. 2ms; 0 is off.',
  ),
  scrape: flag<readonly DiscoveredTarget[]>(
    'scrape',
    scrapeTargets,
    [],
    'Page to scrape into the tenant `default`, e.g. `job=node,interval=15s,http://host:9100/metrics`; repeatable. Options: `job`, `instance`, `interval`, `timeout`, `honor_labels`, `honor_timestamps`, `convert_classic_histograms_to_nhcb`, `basic_auth_username`, `basic_auth_password_file`, `bearer_token_file`, `tls_ca_file`, `tls_cert_file`, `tls_key_file`, `tls_server_name`, `tls_insecure_skip_verify`, `label.NAME`.',
  ),
  scrapeFileSd: flag<string | undefined>(
    'scrape-file-sd',
    orNone(path('FOLDER')),
    undefined,
    "Folder of files with targets to scrape, in the JSON or YAML of Prometheus' `file_sd`; read again when they change.",
  ),
  scrapeConfig: flag<string | undefined>(
    'scrape-config',
    orNone(path('FILE')),
    undefined,
    "Prometheus' configuration, of which `global` and `scrape_configs` count, with relabelling and whatever else is said on the page of scraping; read again when it changes.",
  ),
  scrapeIntervalMs: flag(
    'scrape-interval',
    duration,
    15_000,
    'Time between two scrapes of a target that has no interval of its own.',
  ),
  corsOrigins: flag<readonly string[]>(
    'cors-origin',
    list('ORIGIN', checkOrigin),
    [],
    'Origin whose pages may read answers and change state; repeatable. Off by default.',
  ),
  allowedHosts: flag<readonly string[]>(
    'allowed-host',
    list('NAME', checkHostName),
    [],
    'Further host name that requests may be addressed to; repeatable.',
  ),
  insecure: flag(
    'insecure',
    flagSwitch,
    false,
    'Allow a listener other than loopback with `auth open`: whoever reaches it may do everything.',
  ),
  memoryBytes: flag(
    'memory',
    sizeFrom(MEMORY_BYTES_MIN),
    0,
    'Memory for the process: head, index, caches and bodies; 0 is half of what the machine has.',
  ),
  flushIntervalMs: flag(
    'flush-interval',
    duration,
    1_800_000,
    'Longest time that samples stay in the head before they are written to a part.',
  ),
  retentionMs: flag<number | undefined>(
    'retention',
    orNone(duration),
    undefined,
    'Points older than this are removed, unless the tenant has limits of its own.',
  ),
  retentionBytes: flag<number | undefined>(
    'retention-bytes',
    orNone(size),
    undefined,
    'The oldest points of a tenant are removed where its parts take more, unless it has limits of its own.',
  ),
  relabelConfig: flag<string | undefined>(
    'relabel-config',
    orNone(path('FILE')),
    undefined,
    "Relabelling rules (Prometheus' `relabel_configs`) for what tenants write that have none of their own.",
  ),
  minFreeDisk: flag<DiskShare>(
    'min-free-disk',
    diskShare,
    { sizeBytes: undefined, percent: undefined },
    'Writes are refused below so much free space; `auto` is 5 % of the disk, at most 1 GiB.',
  ),
  queryTimeoutMs: flag('query-timeout', duration, 120_000, 'Deadline of a query.'),
  queryConcurrency: flag(
    'query-concurrency',
    integer({ min: 1, max: 10_000 }),
    20,
    'Queries evaluated at once; more wait in line.',
  ),
  queryHeavyConcurrency: flag(
    'query-heavy-concurrency',
    integer({ min: 0, max: 10_000 }),
    0,
    'Of them heavy ones, so that light ones always find a place; 0 is a quarter, at least one.',
  ),
  queryHeavySamples: flag(
    'query-heavy-samples',
    integer({ min: 1, max: 1e12 }),
    5_000_000,
    'A query that will read more samples is heavy; exports always are.',
  ),
  queryMemoryBytes: flag(
    'query-memory',
    size,
    512 * MIB,
    'Memory that one query may hold, at most what --memory leaves to queries.',
  ),
  queryCacheBytes: flag(
    'query-cache',
    size,
    64 * MIB,
    'Memory for results of range queries, so that a refresh evaluates new steps only; 0 is none.',
  ),
  querySeries: flag(
    'query-series',
    integer({ min: 1, max: 1e12 }),
    2_000_000,
    'Series that one query may read.',
  ),
  querySamples: flag(
    'query-samples',
    integer({ min: 1, max: 1e12 }),
    1_000_000_000,
    'Samples that one query may read or hold at one time.',
  ),
  queryPoints: flag(
    'query-points',
    integer({ min: 1, max: 1e12 }),
    10_000_000,
    'Points that one answer may have.',
  ),
  limits: flag<readonly LimitSetting[]>(
    'limit',
    limits,
    [],
    'Limit of every tenant that has none of its own, e.g. `active-series=100000`; repeatable. All are in [limits](operations/limits.md).',
  ),
  slowQueryMs: flag<number | undefined>(
    'slow-query',
    orNone(duration),
    5_000,
    'Queries that take so long are logged with what they cost.',
  ),
  delayedNameRemoval: flag(
    'promql-delayed-name-removal',
    flagSwitch,
    false,
    'PromQL drops metric names at the end of a query instead of in each step of it, as ' +
      'Prometheus does with its feature of the same name.',
  ),
  typeAndUnitLabels: flag(
    'type-and-unit-labels',
    flagSwitch,
    false,
    'Types and units of metrics become labels of their series, `__type__` and `__unit__`, in remote ' +
      'write 2.0, exposition text and scrapes, as Prometheus does with its feature of the same name.',
  ),
  otlpTranslation: flag<Translation>(
    'otlp-translation',
    { ...choice(TRANSLATIONS), placeholder: 'STRATEGY' },
    'UnderscoreEscapingWithSuffixes',
    'How names of OTLP metrics and attributes become names of series and labels: that, ' +
      '`UnderscoreEscapingWithoutSuffixes`, `NoUTF8EscapingWithSuffixes` or `NoTranslation`.',
  ),
  otlpNamespace: flag(
    'otlp-namespace',
    text('PREFIX', checkNamePrefix),
    '',
    'Put in front of every name of an OTLP metric, with an underscore.',
  ),
  otlpScopeLabels: flag(
    'otlp-scope-labels',
    flagSwitch,
    true,
    'Name, version, schema URL and attributes of OTLP scopes are labels `otel_scope_*`.',
  ),
  otlpPromotedAttributes: flag<readonly string[]>(
    'otlp-promote-attribute',
    list('NAME', () => undefined),
    [],
    'OTLP resource attribute that becomes a label of every series; repeatable.',
  ),
  otlpIdentifyingAttributes: flag(
    'otlp-identifying-attributes',
    flagSwitch,
    false,
    '`target_info` also has the attributes that `job` and `instance` are made of.',
  ),
  otlpCustomBuckets: flag(
    'otlp-custom-buckets',
    flagSwitch,
    false,
    'Classic OTLP histograms become native ones with custom buckets instead of `_bucket` series.',
  ),
  warp10TimeUnit: flag(
    'warp10-time-unit',
    choice(['us', 'ms', 'ns']),
    'us',
    'What times of the Warp 10 protocol count: micro-, milli- or nanoseconds.',
  ),
  shards: flag(
    'shards',
    integer({ min: 0, max: 64 }),
    0,
    'Shards of a new data folder, kept for ever; 0 is as many as the folder has, one in a new one. ' +
      'On Linux several are written by as many ingest threads, at most one a processor or two.',
  ),
  queryWorkers: flag(
    'query-workers',
    integer({ min: 0, max: 256 }),
    0,
    'Threads that help with large queries; 0 is one less than the processors, at least one.',
  ),
  drainTimeoutMs: flag(
    'drain-timeout',
    duration,
    10_000,
    'How long running requests may take to end after SIGTERM.',
  ),
  logLevel: flag('log-level', choice(LOG_LEVELS), 'info', 'The least level that is logged.'),
  logFormat: flag(
    'log-format',
    choice(['auto', 'json', 'text']),
    'auto',
    'Form of log lines; `auto` is text on a terminal and JSON elsewhere.',
  ),
} as const;

export type SettingKey = keyof typeof FLAGS;
export type Settings = {
  readonly [K in SettingKey]: (typeof FLAGS)[K] extends Flag<infer T> ? T : never;
};

/** All rows with their keys, in the order of documentation. */
export function flagRows(): readonly (Flag<unknown> & { readonly key: SettingKey })[] {
  return Object.entries(FLAGS).map(([key, row]) => ({
    ...(row as unknown as Flag<unknown>),
    key: key as SettingKey,
  }));
}

export function environmentName(flagName: string): string {
  return `ORRERY_${flagName.toUpperCase().replaceAll('-', '_')}`;
}
