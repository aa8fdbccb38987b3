// `/api/v1/features`: what of Prometheus' features is on here, in its words and groups.
// Source: Prometheus util/features; cmd/prometheus/testdata/features.json.
import { FUNCTIONS } from '../../promql/signatures.ts';

const ON = {
  api: [
    'admin',
    'exclude_alerts',
    'label_values_match',
    'openapi_3.1',
    'openapi_3.2',
    'query_stats',
    'query_warnings',
    'remote_write_receiver',
    'search',
    'search_fuzz_alg_jarowinkler',
    'search_fuzz_alg_subsequence',
    'time_range_labels',
    'time_range_series',
  ],
  promql: [
    'anchored',
    'at_modifier',
    'bool',
    'by',
    'duration_expr',
    'fill',
    'fill_left',
    'fill_right',
    'group_left',
    'group_right',
    'ignoring',
    'negative_offset',
    'offset',
    'on',
    'per_query_lookback_delta',
    'per_step_stats',
    'smoothed',
    'subqueries',
    'without',
  ],
  promql_operators: (
    '!= !~ % * + - / < </ <= == =~ > >/ >= @ ^ and atan2 or unless avg bottomk count count_values ' +
    'group limit_ratio limitk max min quantile stddev stdvar sum topk'
  ).split(' '),
  tsdb: ['exemplar_storage', 'native_histograms', 'st_storage'],
} as const;

const OFF = {
  api: ['lifecycle', 'otlp_write_receiver'],
  prometheus: ['agent_mode', 'auto_reload_config'],
} as const;

export function featureList(options: {
  readonly delayedNameRemoval: boolean;
  readonly typeAndUnitLabels: boolean;
}): Record<string, Record<string, boolean>> {
  const groups: Record<string, Record<string, boolean>> = {};
  const set = (group: string, names: readonly string[], value: boolean): void => {
    for (const name of names) (groups[group] ??= {})[name] = value;
  };
  for (const [group, names] of Object.entries(ON)) set(group, names, true);
  for (const [group, names] of Object.entries(OFF)) set(group, names, false);
  set('promql', ['delayed_name_removal'], options.delayedNameRemoval);
  set('promql', ['type_and_unit_labels'], options.typeAndUnitLabels);
  set('scrape', ['type_and_unit_labels'], options.typeAndUnitLabels);
  set('prometheus', ['server_mode'], true);
  set('promql_functions', [...FUNCTIONS.keys()], true);
  return groups;
}
