/** What was typed into Ingest, as the query string of its address: the view is a link. */
import { TYPED_URL_CHARS_MAX } from './limits.ts';

export interface IngestState {
  readonly protocol: string;
  /** Of the protocol's own, e.g. `db=metrics&precision=ms`. */
  readonly params: string;
  readonly body: string;
  readonly labels: string;
  /** undefined: those in force. */
  readonly rules: string | undefined;
}

export interface ProtocolEntry {
  readonly name: string;
  readonly title: string;
  /** A body. */
  readonly example: string;
  /** Parameters without which it takes none. */
  readonly params?: string;
}

/** Those whose bodies are text. */
export const PROTOCOLS: readonly ProtocolEntry[] = [
  {
    name: 'influx',
    title: 'InfluxDB line protocol (v1)',
    example: 'weather,city=Paris temperature=21.5',
  },
  {
    name: 'influx-v2',
    title: 'InfluxDB line protocol (v2)',
    example: 'weather,city=Paris temperature=21.5',
  },
  {
    name: 'influx-v3',
    title: 'InfluxDB line protocol (v3)',
    example: 'weather,city=Paris temperature=21.5',
    params: 'db=metrics',
  },
  {
    name: 'prometheus',
    title: 'Prometheus text',
    example: 'http_requests_total{method="GET"} 1027\n',
  },
  { name: 'graphite', title: 'Graphite', example: 'web.requests;host=a 12 -1\n' },
  {
    name: 'opentsdb',
    title: 'OpenTSDB JSON',
    example: '{"metric":"sys.cpu","timestamp":1750000000,"value":18,"tags":{"host":"a"}}',
  },
  { name: 'warp10', title: 'Warp 10', example: '// web.requests{host=a} 12\n' },
  {
    name: 'jsonl',
    title: 'JSON lines',
    example: '{"metric":{"__name__":"up","job":"a"},"values":[1],"timestamps":[1750000000000]}\n',
  },
  {
    name: 'csv',
    title: 'CSV',
    example: 'Paris,21.5\n',
    params: 'format=1:label:city,2:metric:temperature',
  },
  {
    name: 'otlp',
    title: 'OTLP JSON',
    example:
      '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"load","gauge":{"dataPoints":' +
      '[{"timeUnixNano":"1750000000000000000","asDouble":0.5}]}}]}]}]}',
  },
  {
    name: 'collectd',
    title: 'collectd JSON',
    example:
      '[{"values":[0.5],"dstypes":["gauge"],"dsnames":["shortterm"],"time":1750000000,' +
      '"interval":10,"host":"a","plugin":"load","type":"load"}]',
  },
];

export function protocolOf(name: string): ProtocolEntry {
  return PROTOCOLS.find((one) => one.name === name) ?? PROTOCOLS[0]!;
}

const EXAMPLE_LABELS = 'http_requests_total\nenv=dev\ninstance=db1.example.org:9100';

export function parseIngest(search: string): IngestState {
  const asked = new URLSearchParams(search);
  const { name, example, params = '' } = protocolOf(asked.get('protocol') ?? '');
  return {
    protocol: name,
    params: asked.get('params') ?? params,
    body: asked.get('body') ?? example,
    labels: asked.get('labels') ?? EXAMPLE_LABELS,
    rules: asked.get('rules') ?? undefined,
  };
}

/** Texts that would make the address too long are left out, the longest first. */
export function formatIngest({ protocol, params, body, labels, rules }: IngestState): string {
  const asked = new URLSearchParams();
  if (protocol !== PROTOCOLS[0]!.name) asked.set('protocol', protocol);
  const { example, params: needed = '' } = protocolOf(protocol);
  if (params !== needed) asked.set('params', params);
  if (body !== example) asked.set('body', body);
  if (labels !== EXAMPLE_LABELS) asked.set('labels', labels);
  if (rules !== undefined) asked.set('rules', rules);
  while (asked.toString().length > TYPED_URL_CHARS_MAX) {
    const [longest] = [...asked].toSorted((a, b) => b[1].length - a[1].length);
    asked.delete(longest![0]);
  }
  const text = asked.toString();
  return text === '' ? '' : `?${text}`;
}
