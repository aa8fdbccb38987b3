/**
 * The mock's answers for Ingest: rules, their steps, a dry run, refused rows. It knows two rules:
 * one that drops `env=dev` where the text has "drop", one that sets `host` where it has "host".
 */
import type { MockAnswer, MockRequest, MockState } from './mock-answer.ts';

export function answerIngest(
  { method, path, params, body }: MockRequest,
  state: MockState,
): MockAnswer | undefined {
  switch (path) {
    case 'refused-lines':
      return { status: 200, body: refused(state.refusedCount) };
    case 'relabel':
      if (method === 'PUT') state.rules = body;
      return { status: 200, body: rulesOf(state) };
    case 'relabel/debug': {
      const { config, labels } = JSON.parse(body) as DebugBody;
      return config.includes('(') ? wrong() : { status: 200, body: debugged(config, labels) };
    }
    case 'relabel/preview':
      return { status: 200, body: previewed(body) };
    case 'breaches':
      return { status: 200, body: { breaches: state.hasBreaches ? BREACHES : [] } };
    case 'ingest/explain':
      return { status: 200, body: explained(params.get('protocol') ?? '', body) };
    default:
      return undefined;
  }
}

interface DebugBody {
  readonly config: string;
  readonly labels: Readonly<Record<string, string>>;
}

function rulesOf({ rules }: MockState): unknown {
  const source = rules === undefined ? 'none' : 'tenant';
  const version = rules === undefined ? 0 : 7;
  return { tenant: 'default', version, source, ruleCount: 2, config: rules ?? '' };
}

function wrong(): MockAnswer {
  const message = 'line 2, column 10: error parsing regexp: missing closing ): `(`';
  return { status: 400, body: { error: { code: 'relabel-config', message, line: 2, column: 10 } } };
}

function debugged(config: string, labels: Readonly<Record<string, string>>): unknown {
  const steps: unknown[] = [];
  const common = { separator: ';', replacement: '$1', removed: [] };
  if (config.includes('host')) {
    const value = labels['instance'] ?? '';
    steps.push({
      ...common,
      rule: {
        line: 1,
        action: 'replace',
        source_labels: ['instance'],
        regex: '([^.:]+).*',
        target_label: 'host',
      },
      value,
      matched: value !== '',
      verdict: 'kept',
      set: value === '' ? {} : { host: value.split('.')[0] },
    });
  }
  const isDropped = config.includes('drop') && labels['env'] === 'dev';
  if (config.includes('drop'))
    steps.push({
      ...common,
      rule: { line: 4, action: 'drop', source_labels: ['env'], regex: 'dev', target_label: '' },
      value: labels['env'] ?? '',
      matched: isDropped,
      verdict: isDropped ? 'dropped' : 'kept',
      set: {},
    });
  const result = isDropped
    ? { verdict: 'dropped', rule: steps.length, labels: null }
    : { verdict: 'kept', labels };
  return { ruleCount: steps.length, steps, result };
}

function stage(name: string, verdict: string, says: string) {
  return { stage: name, verdict, says };
}

function explained(protocol: string, body: string): unknown {
  const isBad = body.includes('bad');
  const labels = { __name__: 'weather_temperature', city: 'Paris' };
  const reason = `unable to parse '${body.slice(0, 40)}': missing fields`;
  const stages = [
    stage('request', 'ok', 'The request is taken.'),
    isBad
      ? stage('parse', 'refused', `1 row refused: ${reason}`)
      : stage('parse', 'ok', '1 row read, 1 point understood.'),
    stage('relabel', 'skipped', isBad ? 'Nothing came so far.' : 'The tenant has no rules.'),
    isBad
      ? stage('limits', 'skipped', 'Nothing came so far.')
      : stage('limits', 'ok', 'Within the limits of labels and time.'),
    isBad
      ? stage('store', 'skipped', 'Nothing came so far.')
      : {
          ...stage('store', 'ok', '1 point would be stored.'),
          points: [
            {
              labels,
              kind: 'f64',
              tUs: Date.UTC(2026, 0, 2, 3, 4, 5) * 1000,
              value: '21.5',
              isNewSeries: true,
              newestUs: null,
              isExpired: false,
            },
          ],
        },
  ];
  const answer = isBad
    ? { status: 400, headers: {}, body: `{"error":"partial write: ${reason} dropped=0"}` }
    : { status: 204, headers: {}, body: '' };
  return { protocol, path: '/write', tenant: 'default', isStored: !isBad, stages, answer };
}

export function refused(count: number): unknown {
  const row = { peer: '10.1.2.3', column: 4 };
  const timeMs = Date.UTC(2026, 0, 2, 3, 4, 5);
  if (count === 0) return { count, counts: [], lines: [] };
  return {
    count,
    counts: [
      { protocol: 'influx', reason: 'malformed', count: count - 2 },
      { protocol: 'remote-write', reason: 'label-limits', count: 2 },
    ],
    lines: [
      {
        ...row,
        timeMs,
        protocol: 'influx',
        line: 3,
        reason: "unable to parse 'cpu,host=a usage_user=': missing field value",
      },
      {
        ...row,
        timeMs: timeMs - 61_000,
        protocol: 'remote-write',
        line: 812,
        reason:
          "value of label 'path' of metric 'http_requests_total' has 9000 bytes, the limit is 8192 (label-value-bytes, see docs/operations/limits.md#label-value-bytes)",
      },
      {
        ...row,
        timeMs: timeMs - 62_000,
        protocol: 'graphite',
        line: 0,
        reason: '<b>\u202ehostile',
      },
    ],
  };
}

/** One that refused series, one that is near. */
export const BREACHES: readonly unknown[] = [
  {
    limit: 'active-series',
    at_most: 250_000,
    value: 250_000,
    kind: 'refused',
    count: 1840,
    first_at: '2026-01-02T03:04:05.000Z',
    last_at: '2026-01-02T03:09:05.000Z',
    first: {
      protocol: 'remote-write',
      peer: '10.1.2.3',
      token: 'abcdefabcdef',
      labels: [
        { name: '__name__', value: 'http_requests_total' },
        { name: 'session', value: '8f3a' },
      ],
    },
    series: {
      metric: 'http_requests_total',
      label: 'session',
      values: 1000,
      rules:
        '- source_labels: [__name__]\n  regex: http_requests_total\n  target_label: session\n  replacement: ""\n',
    },
  },
  {
    limit: 'samples-per-second',
    at_most: 50_000,
    value: 41_200,
    kind: 'near',
    count: 3,
    first_at: '2026-01-02T03:04:05.000Z',
    last_at: '2026-01-02T03:09:05.000Z',
    first: null,
    series: null,
  },
];

function previewed(config: string): unknown {
  const before = { __name__: 'http_requests_total', session: '8f3a' };
  const whole = { rules: 1, whole: true, series: 1200, refused: 0 };
  if (!config.includes('session'))
    return { ...whole, kept: 1200, changed: 0, dropped: 0, series_after: 1200, examples: [] };
  const after = { __name__: 'http_requests_total' };
  const examples = [{ before, after }];
  return { ...whole, kept: 200, changed: 1000, dropped: 0, series_after: 201, examples };
}
