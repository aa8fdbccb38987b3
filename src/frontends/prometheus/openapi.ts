// `/api/v1/openapi.yaml`: the paths of the API with their methods and parameters, as OpenAPI 3.1 or
// 3.2. Written as JSON, which is YAML too. test/apptest/prometheus-openapi.test.ts compares it with
// the document of Prometheus.
import { AppError } from '../../model/errors.ts';
import type { Exchange } from '../http/exchange.ts';

const VERSIONS: ReadonlyMap<string, string> = new Map([
  ['', '3.1.0'],
  ['3.1', '3.1.0'],
  ['3.2', '3.2.0'],
]);

interface Path {
  readonly path: string;
  readonly methods: 'get' | 'get post' | 'post' | 'post put';
  readonly summary: string;
  /** Names; with `!` where they must be given, with `[]` where they may be repeated. */
  readonly parameters?: string;
}

const RANGE = 'start end';
const SELECT = `${RANGE} match[] limit`;
const EVALUATE = 'query! limit timeout lookback_delta stats nocache';
const SEARCH =
  'match[] search[] fuzz_threshold fuzz_alg case_sensitive sort_by sort_dir include_score ' +
  `${RANGE} limit batch_size`;

const PATHS: readonly Path[] = [
  {
    path: '/query',
    methods: 'get post',
    summary: 'Value of an expression at one time',
    parameters: `${EVALUATE} time`,
  },
  {
    path: '/query_range',
    methods: 'get post',
    summary: 'Values of an expression by step',
    parameters: `${EVALUATE} start! end! step!`,
  },
  {
    path: '/query_exemplars',
    methods: 'get post',
    summary: 'Exemplars of the series of an expression',
    parameters: `query! ${RANGE}`,
  },
  {
    path: '/format_query',
    methods: 'get post',
    summary: 'An expression, printed',
    parameters: 'query!',
  },
  {
    path: '/parse_query',
    methods: 'get post',
    summary: 'The syntax tree of an expression',
    parameters: 'query!',
  },
  { path: '/series', methods: 'get post', summary: 'Label sets', parameters: SELECT },
  { path: '/labels', methods: 'get post', summary: 'Label names', parameters: SELECT },
  {
    path: '/label/{name}/values',
    methods: 'get',
    summary: 'Values of a label',
    parameters: SELECT,
  },
  {
    path: '/search/metric_names',
    methods: 'get post',
    summary: 'Metric names like the searched one, as lines of JSON',
    parameters: `${SEARCH} include_metadata`,
  },
  {
    path: '/search/label_names',
    methods: 'get post',
    summary: 'Label names like the searched one, as lines of JSON',
    parameters: SEARCH,
  },
  {
    path: '/search/label_values',
    methods: 'get post',
    summary: 'Values of a label like the searched one, as lines of JSON',
    parameters: `label! ${SEARCH}`,
  },
  {
    path: '/metadata',
    methods: 'get',
    summary: 'Type, unit and help of metrics',
    parameters: 'limit limit_per_metric metric',
  },
  { path: '/scrape_pools', methods: 'get', summary: 'Names of the scrape pools' },
  {
    path: '/scrape_pools/config',
    methods: 'get',
    summary: 'Settings of a scrape pool',
    parameters: 'scrapePool!',
  },
  { path: '/targets', methods: 'get', summary: 'Targets', parameters: 'scrapePool state' },
  {
    path: '/targets/metadata',
    methods: 'get',
    summary: 'Metadata by target',
    parameters: 'match_target metric limit',
  },
  {
    path: '/targets/relabel_steps',
    methods: 'get',
    summary: 'What relabelling makes of labels, step by step',
    parameters: 'scrapePool! labels!',
  },
  {
    path: '/rules',
    methods: 'get',
    summary: 'Groups of rules',
    parameters:
      'type rule_name[] rule_group[] file[] match[] exclude_alerts group_limit group_next_token',
  },
  { path: '/alerts', methods: 'get', summary: 'Active alerts' },
  { path: '/alertmanagers', methods: 'get', summary: 'Alert managers' },
  { path: '/notifications', methods: 'get', summary: 'Notices of the server' },
  { path: '/status/config', methods: 'get', summary: 'Settings in force, as YAML' },
  { path: '/status/flags', methods: 'get', summary: 'Settings in force, by flag' },
  { path: '/status/runtimeinfo', methods: 'get', summary: 'Facts of the process' },
  { path: '/status/buildinfo', methods: 'get', summary: 'Version' },
  {
    path: '/status/tsdb',
    methods: 'get',
    summary: 'Names and labels with the most series',
    parameters: 'limit',
  },
  { path: '/status/tsdb/blocks', methods: 'get', summary: 'Blocks' },
  { path: '/status/walreplay', methods: 'get', summary: 'How far the replay of the log is' },
  {
    path: '/status/self_metrics',
    methods: 'get',
    summary: "The server's own metrics",
    parameters: 'metric_name_pattern',
  },
  { path: '/features', methods: 'get', summary: 'What is switched on' },
  {
    path: '/admin/tsdb/delete_series',
    methods: 'post put',
    summary: 'Deletes points',
    parameters: `match[]! ${RANGE}`,
  },
  { path: '/admin/tsdb/clean_tombstones', methods: 'post put', summary: 'Frees what is deleted' },
  {
    path: '/admin/tsdb/snapshot',
    methods: 'post put',
    summary: 'Makes a snapshot',
    parameters: 'skip_head',
  },
  { path: '/read', methods: 'post', summary: 'Remote read' },
  { path: '/write', methods: 'post', summary: 'Remote write 1.0 and 2.0' },
];

export async function openApi(exchange: Exchange): Promise<void> {
  const wanted = exchange.search.get('openapi_version') ?? '';
  const openapi = VERSIONS.get(wanted);
  if (openapi === undefined)
    throw new AppError('invalid', 'parameter', `openapi_version is 3.1 or 3.2, not "${wanted}"`);
  const body = `${JSON.stringify(documentOf(openapi), undefined, 2)}\n`;
  const headers = { 'Content-Type': 'application/yaml; charset=utf-8' };
  exchange.send({ status: 200, headers, body });
}

function documentOf(openapi: string): object {
  const info = { title: 'Prometheus HTTP API of Orrery', version: '1' };
  const paths = Object.fromEntries(PATHS.map((one) => [one.path, operationsOf(one)]));
  const properties = {
    status: { enum: ['success', 'error'] },
    data: {},
    errorType: { type: 'string' },
    error: { type: 'string' },
    warnings: { type: 'array', items: { type: 'string' } },
    infos: { type: 'array', items: { type: 'string' } },
  };
  const answer = { type: 'object', required: ['status'], properties };
  return {
    openapi,
    info,
    servers: [{ url: '/api/v1' }],
    paths,
    components: { schemas: { answer } },
  };
}

function operationsOf({ path, methods, summary, parameters = '' }: Path): object {
  const inPath = path.includes('{name}')
    ? [{ name: 'name', in: 'path', required: true, schema: { type: 'string' } }]
    : [];
  const list = [...inPath, ...parameters.split(' ').filter(Boolean).map(parameterOf)];
  const content = { 'application/json': { schema: { $ref: '#/components/schemas/answer' } } };
  return Object.fromEntries(
    methods.split(' ').map((method) => [
      method,
      {
        operationId: `${method}${path.replaceAll(/[^a-z]+/gi, '-')}`,
        summary,
        parameters: list,
        responses: {
          '2XX': { description: 'What was asked for' },
          default: { description: 'Why it cannot be had', content },
        },
      },
    ]),
  );
}

function parameterOf(text: string): object {
  const required = text.endsWith('!');
  const name = required ? text.slice(0, -1) : text;
  const one = { type: 'string' };
  const schema = name.endsWith('[]') ? { type: 'array', items: one } : one;
  return { name, in: 'query', required, schema };
}
