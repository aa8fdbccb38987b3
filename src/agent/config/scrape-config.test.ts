// Prometheus' configuration as jobs: defaults, secrets, rules, what is refused and where.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseScrapeConfig } from './scrape-config.ts';
import type { ScrapeJob } from './scrape-job.ts';

function parse(text: string) {
  return parseScrapeConfig(text, {
    intervalMs: 15_000,
    resolvePath: (path) => `/etc/${path}`,
    parseDuration: (given) => {
      const [, count, unit] = /^(\d+)(ms|s|m)$/.exec(given) ?? [];
      if (count === undefined) throw new Error('expected a duration');
      return Number(count) * { ms: 1, s: 1000, m: 60_000 }[unit as 'ms' | 's' | 'm'];
    },
    parseSize: (given) => Number.parseInt(given, 10) * 1024 ** 2,
  });
}

const WHOLE = `
global:
  scrape_interval: 30s
  external_labels: {cluster: a}
rule_files: [rules.yml]
scrape_configs:
- job_name: app
  scrape_interval: 5s
  metrics_path: /probe
  scheme: https
  params: {module: [http_2xx, more], target: ["1.10"]}
  honor_labels: true
  honor_timestamps: false
  follow_redirects: false
  body_size_limit: 10MB
  sample_limit: 500
  enable_http2: false
  basic_auth: {username: u, password_file: pass}
  tls_config: {ca_file: ca.pem, cert_file: c.pem, key_file: k.pem, server_name: db, insecure_skip_verify: true}
  static_configs:
  - targets: [a:1, 'b:2']
    labels: {env: prod, version: 1.10}
  file_sd_configs:
  - files: [targets/*.json]
    refresh_interval: 5m
  relabel_configs:
  - source_labels: [__address__]
    regex: b.*
    action: drop
  metric_relabel_configs:
  - regex: pod
    action: labeldrop
- job_name: plain
  authorization: {credentials: secret}
`;

test('jobs say what Prometheus’ documentation says they do', () => {
  const { jobs, ignored } = parse(WHOLE);
  const [app, plain] = jobs as [ScrapeJob, ScrapeJob];
  assert.deepEqual(app.defaults, {
    job: 'app',
    __scheme__: 'https',
    __metrics_path__: '/probe',
    __scrape_interval__: '5000ms',
    __scrape_timeout__: '5000ms',
    __param_module: 'http_2xx',
    __param_target: '1.10',
  });
  assert.deepEqual(app.moreParams, [['module', 'more']]);
  assert.deepEqual(app.targets, [
    { env: 'prod', version: '1.10', __address__: 'a:1' },
    { env: 'prod', version: '1.10', __address__: 'b:2' },
  ]);
  assert.deepEqual(app.files, ['/etc/targets/*.json']);
  assert.deepEqual(
    [...app.relabel, ...app.metricRelabel].map(({ action, line }) => [action, line]),
    [
      ['drop', 27],
      ['labeldrop', 31],
    ],
  );
  assert.deepEqual(app.access, {
    basic: { user: { text: 'u' }, password: { file: '/etc/pass' } },
    authorization: undefined,
    tls: {
      ca: { file: '/etc/ca.pem' },
      cert: { file: '/etc/c.pem' },
      key: { file: '/etc/k.pem' },
      serverName: 'db',
      isInsecure: true,
    },
  });
  const { honorLabels, honorTimestamps, followsRedirects, bodyBytesMax, sampleCountMax } = app;
  assert.deepEqual(
    { honorLabels, honorTimestamps, followsRedirects, bodyBytesMax, sampleCountMax },
    {
      honorLabels: true,
      honorTimestamps: false,
      followsRedirects: false,
      bodyBytesMax: 10 * 1024 ** 2,
      sampleCountMax: 500,
    },
  );
  assert.deepEqual(plain.access.authorization, {
    type: 'Bearer',
    credentials: { text: 'secret' },
  });
  assert.equal(plain.defaults['__scrape_interval__'], '30000ms');
  assert.equal(plain.defaults['__scrape_timeout__'], '10000ms');
  assert.deepEqual(ignored, ['global.external_labels', 'app: enable_http2', 'rule_files']);
});

const job = (fields: string): string => `scrape_configs:\n- job_name: a\n  ${fields}\n`;

const REFUSED: Readonly<Record<string, readonly [string, RegExp]>> = {
  'no YAML': ['scrape_configs: [', /^line \d+, column \d+: /],
  'a list': ['- a', /^line 1, column 1: the configuration: expected fields/],
  'an unknown field': [
    job('intervall: 5s'),
    /^line 3, column 3: there is no field "intervall" here$/,
  ],
  'a job without a name': [
    'scrape_configs:\n- scheme: http',
    /^line 2, column 3: job_name is empty/,
  ],
  'two of a name': [
    'scrape_configs:\n- job_name: a\n- job_name: a',
    /^line 3, column 3: found multiple scrape configs with job name "a"/,
  ],
  'another discovery': [
    job('kubernetes_sd_configs: [{role: pod}]'),
    /^line 3, column 3: kubernetes_sd_configs is not supported$/,
  ],
  'a proxy': [job('proxy_url: http://p'), /proxy_url is not supported/],
  'a list of series limits': [job('label_limit: 5'), /label_limit is not supported/],
  'files elsewhere': ['scrape_config_files: [a.yml]', /scrape_config_files is not supported/],
  'a timeout beyond its interval': [
    job('scrape_interval: 1s\n  scrape_timeout: 2s'),
    /^line 4, column 19: scrape timeout greater than scrape interval/,
  ],
  'a bad duration': [
    job('scrape_interval: soon'),
    /^line 3, column 20: scrape_interval: expected a/,
  ],
  'no boolean': [job('honor_labels: perhaps'), /honor_labels: expected true or false/],
  'a wrong scheme': [job('scheme: ftp'), /^line 3, column 11: scheme: "ftp"/],
  'a wrong rule': [
    job('relabel_configs: [{action: explode}]'),
    /^line 3, column 30: unknown relabel action "explode"/,
  ],
  'a password twice': [
    job('basic_auth: {username: u, password: a, password_file: b}'),
    /at most one of password & password_file/,
  ],
  'two ways to say who': [
    job('basic_auth: {username: u, password: a}\n  bearer_token: b'),
    /exclude each other/,
  ],
  'basic as authorization': [
    job('authorization: {type: Basic, credentials: a}'),
    /use "basic_auth"/,
  ],
  'a certificate without a key': [job('tls_config: {cert_file: c}'), /needs a file with its key/],
  'a star in the middle': [
    job("file_sd_configs: [{files: ['*/a.json']}]"),
    /is not valid for file/,
  ],
  'a target that is a URL': [
    job("static_configs: [{targets: ['http://a/']}]"),
    /"http:\/\/a\/" is not a valid hostname/,
  ],
};

for (const [name, [text, message]] of Object.entries(REFUSED))
  test(`refused with its place: ${name}`, () => {
    assert.throws(() => parse(text), { message });
  });

test('nothing at all is no jobs; anchors are what they stand for', () => {
  assert.deepEqual(parse(''), { jobs: [], ignored: [] });
  const { jobs } = parse(
    'scrape_configs:\n- job_name: a\n  relabel_configs: &r [{action: labeldrop, regex: x}]\n' +
      '- job_name: b\n  relabel_configs: *r\n',
  );
  assert.deepEqual(jobs[1]?.relabel, jobs[0]?.relabel);
});
