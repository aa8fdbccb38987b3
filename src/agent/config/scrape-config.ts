// Prometheus' configuration file, as far as it is about scraping: `global` and `scrape_configs`.
// What Prometheus would refuse is refused; what would ask others, or ask them otherwise, and is not
// there, too. Fields with another effect are named, so that somebody reads that they have none.
// Source: Prometheus config/config.go, docs "Configuration".
import { isScalar, LineCounter, parseDocument } from 'yaml';
import type { Node } from 'yaml';
import { relabelRulesAt } from '../../relabel/parse.ts';
import type { RelabelRule } from '../../relabel/rule.ts';
import { CONFIG_TARGETS_MAX, SCRAPE_TIMEOUT_MS } from '../limits.ts';
import { checkAccess } from '../target-access.ts';
import type { Secret, TargetAccess } from '../target-access.ts';
import type { ScrapeConfig, ScrapeJob } from './scrape-job.ts';
import { placedAt, Section } from './section.ts';
import type { ConfigText, UnusedFields } from './section.ts';

const NOTHING = /^$/;
const TOP: UnusedFields = {
  refused: /^scrape_config_files$/,
  ignored: /^(?:rule_files|alerting|remote_(?:write|read)|storage|tracing|otlp|runtime)$/,
};
const GLOBAL: UnusedFields = {
  refused: /_limit$/,
  ignored:
    /^(?:evaluation_interval|rule_query_offset|query_log_file|external_labels|scrape_.*|.*_scheme|.*_histograms.*|keep_dropped_targets|extra_scrape_metrics)$/,
};
const JOB: UnusedFields = {
  refused: /_sd_configs$|^(?:oauth2|proxy_|no_proxy|http_headers)|_limit$/,
  ignored:
    /^(?:enable_http2|enable_compression|keep_dropped_targets|scrape_protocols|fallback_scrape_protocol|scrape_native_histograms|scrape_classic_histograms|always_scrape_classic_histograms|track_timestamps_staleness|metric_name_(?:validation|escaping)_scheme|native_histogram_.*|scrape_failure_log_file|extra_scrape_metrics)$/,
};
const NONE: UnusedFields = { refused: NOTHING, ignored: NOTHING };
const TLS: UnusedFields = { refused: /^(?:min|max)_version$/, ignored: NOTHING };
/** A star stands in the last part of the path alone: Prometheus discovery/file/file.go. */
const FILE_PATTERN = /^[^*]*(?:\*[^/]*)?\.(?:json|ya?ml|JSON|YA?ML)$/;

export interface ScrapeConfigOptions extends Pick<ConfigText, 'parseDuration' | 'parseSize'> {
  /** Where neither the file nor a job says. */
  readonly intervalMs: number;
  /** What a path of the file means. */
  readonly resolvePath: (path: string) => string;
}

/** Throws ScrapeConfigError or RelabelConfigError, both with the place. */
export function parseScrapeConfig(text: string, options: ScrapeConfigOptions): ScrapeConfig {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [error] = document.errors;
  if (error !== undefined) throw placedAt(lines, error.pos[0], error.message);
  const { contents } = document;
  if (contents === null || (isScalar(contents) && contents.value === null))
    return { jobs: [], ignored: [] };
  return new Parser({ document, lines, ...options }, options).config(contents);
}

interface Times {
  readonly intervalMs: number;
  readonly timeoutMs: number | undefined;
}

class Parser {
  readonly #text: ConfigText;
  readonly #options: ScrapeConfigOptions;
  readonly #ignored: string[] = [];

  constructor(text: ConfigText, options: ScrapeConfigOptions) {
    this.#text = text;
    this.#options = options;
  }

  config(contents: Node): ScrapeConfig {
    const top = new Section(this.#text, contents, 'the configuration');
    const global = top.section('global');
    const times = {
      intervalMs: global?.durationMs('scrape_interval') ?? this.#options.intervalMs,
      timeoutMs: global?.durationMs('scrape_timeout'),
    };
    if (global !== undefined) this.#end(global, GLOBAL, 'global.');
    const jobs = new Map<string, ScrapeJob>();
    let targetCount = 0;
    for (const section of top.sections('scrape_configs')) {
      const job = this.#job(section, times);
      if (jobs.has(job.name))
        throw section.error(`found multiple scrape configs with job name "${job.name}"`);
      jobs.set(job.name, job);
      targetCount += job.targets.length;
    }
    if (targetCount > CONFIG_TARGETS_MAX)
      throw top.error(`there are ${targetCount} targets, the limit is ${CONFIG_TARGETS_MAX}`);
    this.#end(top, TOP, '');
    return { jobs: [...jobs.values()], ignored: this.#ignored };
  }

  #end(section: Section, unused: UnusedFields, where: string): void {
    this.#ignored.push(...section.end(unused).map((name) => where + name));
  }

  #job(section: Section, times: Times): ScrapeJob {
    const name = section.text('job_name') ?? '';
    if (name === '') throw section.error('job_name is empty');
    const scheme = section.text('scheme') ?? 'http';
    if (!/^https?$/.test(scheme)) throw section.errorAt('scheme', `scheme: "${scheme}"`);
    const params = paramsOf(section);
    const labels: Record<string, string> = {
      job: name,
      __scheme__: scheme,
      __metrics_path__: section.text('metrics_path') ?? '/metrics',
      ...timesOf(section, times),
    };
    for (const [param, [first]] of params)
      if (first !== undefined) labels[`__param_${param}`] = first;
    const job = {
      name,
      defaults: labels,
      moreParams: params.flatMap(([param, [, ...more]]) =>
        more.map((value) => [param, value] as const),
      ),
      targets: section.sections('static_configs').flatMap((group) => staticTargets(group)),
      files: section.sections('file_sd_configs').flatMap((group) => this.#files(group)),
      relabel: this.#rules(section, 'relabel_configs'),
      metricRelabel: this.#rules(section, 'metric_relabel_configs'),
      access: this.#access(section),
      honorLabels: section.flag('honor_labels') ?? false,
      honorTimestamps: section.flag('honor_timestamps') ?? true,
      customBuckets: section.flag('convert_classic_histograms_to_nhcb') ?? false,
      followsRedirects: section.flag('follow_redirects') ?? true,
      // 0 is none, as for Prometheus.
      bodyBytesMax: section.sizeBytes('body_size_limit') || undefined,
      sampleCountMax: section.count('sample_limit') || undefined,
    };
    this.#end(section, JOB, `${name}: `);
    return job;
  }

  #rules(section: Section, field: string): readonly RelabelRule[] {
    const node = section.node(field);
    if (node === undefined) return [];
    return relabelRulesAt(this.#text.document, this.#text.lines, node);
  }

  #files(group: Section): readonly string[] {
    const files = group.texts('files');
    for (const file of files)
      if (!FILE_PATTERN.test(file))
        throw group.errorAt('files', `path name "${file}" is not valid for file discovery`);
    // They are looked at every few seconds, whatever this says.
    group.durationMs('refresh_interval');
    group.end(NONE);
    return files.map((file) => this.#options.resolvePath(file));
  }

  #access(section: Section): TargetAccess {
    const basic = section.section('basic_auth');
    const given = section.section('authorization');
    const bearer = this.#secret(section, 'bearer_token');
    const tls = section.section('tls_config');
    const access: TargetAccess = {
      basic: basic && this.#basic(basic),
      authorization:
        (given && this.#authorization(given)) ??
        (bearer && { type: 'Bearer', credentials: bearer }),
      tls: {
        ca: tls && this.#secret(tls, 'ca'),
        cert: tls && this.#secret(tls, 'cert'),
        key: tls && this.#secret(tls, 'key'),
        serverName: tls?.text('server_name'),
        isInsecure: tls?.flag('insecure_skip_verify') ?? false,
      },
    };
    tls?.end(TLS);
    if (given !== undefined && bearer !== undefined)
      throw given.error('authorization and bearer_token exclude each other');
    try {
      checkAccess(access);
    } catch (error) {
      throw section.error((error as Error).message);
    }
    return access;
  }

  #basic(section: Section): TargetAccess['basic'] {
    const user = this.#secret(section, 'username');
    if (user === undefined) throw section.error('basic_auth has no username');
    const password = this.#secret(section, 'password');
    if (password === undefined) throw section.error('basic_auth has no password');
    section.end(NONE);
    return { user, password };
  }

  #authorization(section: Section): TargetAccess['authorization'] {
    const type = section.text('type') ?? 'Bearer';
    if (type.toLowerCase() === 'basic')
      throw section.errorAt(
        'type',
        'authorization type cannot be set to "basic", use "basic_auth"',
      );
    if (!/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(type)) throw section.errorAt('type', 'no such type');
    const credentials = this.#secret(section, 'credentials');
    if (credentials === undefined) throw section.error('authorization has no credentials');
    section.end(NONE);
    return { type, credentials };
  }

  /** The text of a field, or the file that `FIELD_file` names. */
  #secret(section: Section, field: string): Secret | undefined {
    const text = section.text(field);
    const file = section.text(`${field}_file`);
    if (text !== undefined && file !== undefined)
      throw section.errorAt(field, `at most one of ${field} & ${field}_file must be configured`);
    if (file !== undefined) return { file: this.#options.resolvePath(file) };
    return text === undefined ? undefined : { text };
  }
}

function timesOf(section: Section, global: Times): Readonly<Record<string, string>> {
  const name = section.text('job_name') ?? '';
  const intervalMs = section.durationMs('scrape_interval') ?? global.intervalMs;
  const own = section.durationMs('scrape_timeout');
  if (intervalMs <= 0) throw section.errorAt('scrape_interval', 'scrape_interval is 0');
  if (own !== undefined && own > intervalMs)
    throw section.errorAt(
      'scrape_timeout',
      `scrape timeout greater than scrape interval for scrape config with job name "${name}"`,
    );
  const timeoutMs = own ?? Math.min(global.timeoutMs ?? SCRAPE_TIMEOUT_MS, intervalMs);
  return { __scrape_interval__: `${intervalMs}ms`, __scrape_timeout__: `${timeoutMs}ms` };
}

function paramsOf(section: Section): readonly (readonly [string, readonly string[]])[] {
  const params = section.section('params');
  return params?.names().map((name) => [name, params.texts(name)] as const) ?? [];
}

function staticTargets(group: Section): readonly Readonly<Record<string, string>>[] {
  const labels = Object.fromEntries(group.pairs('labels'));
  const targets = group.texts('targets');
  group.end(NONE);
  return targets.map((address) => {
    if (address === '' || address.includes('/'))
      throw group.errorAt('targets', `"${address}" is not a valid hostname`);
    return { ...labels, __address__: address };
  });
}
