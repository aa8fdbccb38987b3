// `GET /federate?match[]=…`: the newest sample of each series that is not older than five minutes,
// as text or protobuf, whichever Accept likes first. Source: Prometheus web/federate.go,
// docs/federation.md.
import { ESCAPING_SCHEMES } from '../../formats/prometheus-text/escaping.ts';
import type { EscapingScheme } from '../../formats/prometheus-text/escaping.ts';
import { protobufFamilies, textFamilies } from '../../formats/prometheus-text/families.ts';
import type { FamilySample } from '../../formats/prometheus-text/families.ts';
import { KIND, NUMERIC_KINDS } from '../../model/columns.ts';
import { compareUtf8, labelsKey, labelValue, METRIC_NAME } from '../../model/labels.ts';
import type { SelectedSeries, StorageReader } from '../../model/storage.ts';
import { countSeries } from '../../query/query-service.ts';
import type { RunningQuery } from '../../query/query-service.ts';
import { LOOKBACK_US_DEFAULT } from '../../query/limits.ts';
import { inSlices } from '../../query/prometheus-json.ts';
import { nowUs } from '../../stdx/clock.ts';
import { gatherSamples } from '../../windows/samples.ts';
import type { Exchange } from '../http/exchange.ts';
import { read } from './metadata.ts';
import type { MetadataDependencies } from './metadata.ts';
import { selectorParams } from './params.ts';

const PROTOBUF = 'application/vnd.google.protobuf';
const MESSAGE = 'io.prometheus.client.MetricFamily';
/** Bytes of a sample held until it is sent, labels shared with the storage. */
const SAMPLE_BYTES = 200;

interface Format {
  readonly isProtobuf: boolean;
  readonly scheme: EscapingScheme;
}

/** The clauses of Accept, best liked first. */
function clauses(accept: string): { type: string; parameters: Map<string, string> }[] {
  const parsed = accept.split(',').map((text) => {
    const [type, ...rest] = text.split(';').map((part) => part.trim());
    const parameters = new Map(
      rest.map((part): [string, string] => {
        const cut = part.indexOf('=');
        return [part.slice(0, cut).trim(), part.slice(cut + 1).replace(/^"(.*)"$/, '$1')];
      }),
    );
    return { type: type!.toLowerCase(), parameters, q: Number(parameters.get('q') ?? 1) };
  });
  return parsed.toSorted((a, b) => b.q - a.q);
}

/** Text unless a form of protobuf is liked better than text 0.0.4. */
export function federationFormat(accept: string): Format {
  let scheme: EscapingScheme = 'underscores';
  for (const { type, parameters } of clauses(accept)) {
    scheme = ESCAPING_SCHEMES.find((known) => known === parameters.get('escaping')) ?? scheme;
    const isProtobuf =
      type === PROTOBUF &&
      parameters.get('proto') === MESSAGE &&
      parameters.get('encoding') === 'delimited';
    if (isProtobuf) return { isProtobuf, scheme };
    const version = parameters.get('version') ?? '';
    if (type === 'text/plain' && (version === '' || version === '0.0.4')) break;
  }
  return { isProtobuf: false, scheme };
}

function contentType({ isProtobuf, scheme }: Format): string {
  return isProtobuf
    ? `${PROTOBUF}; proto=${MESSAGE}; encoding=delimited; escaping=${scheme}`
    : `text/plain; version=0.0.4; charset=utf-8; escaping=${scheme}`;
}

/** The newest sample, undefined where it is a staleness marker or the series has no name. */
function newest({ labels, chunks }: SelectedSeries): FamilySample | undefined {
  if (labelValue(labels, METRIC_NAME) === '') return undefined;
  const samples = gatherSamples(chunks, true);
  const { histograms } = samples;
  const last = samples.count - 1;
  const lastUs = last < 0 ? Number.NEGATIVE_INFINITY : samples.tUs[last]!;
  const lastHistogram = (histograms?.count ?? 0) - 1;
  if (histograms !== undefined && lastHistogram >= 0 && histograms.tUs[lastHistogram]! > lastUs) {
    if (histograms.stale?.[lastHistogram] === 1) return undefined;
    const timeMs = Math.floor(histograms.tUs[lastHistogram]! / 1000);
    return { labels, timeMs, value: histograms.values[lastHistogram]! };
  }
  if (last < 0 || samples.stale?.[last] === 1) return undefined;
  return { labels, timeMs: Math.floor(lastUs / 1000), value: samples.values[last]! };
}

const nameOf = ({ labels }: FamilySample): string => labelValue(labels, METRIC_NAME);

async function found(
  storage: StorageReader,
  { context, countRead }: RunningQuery,
  selectors: Awaited<ReturnType<typeof selectorParams>>,
  endUs: number,
): Promise<readonly FamilySample[]> {
  const union = new Map<string, FamilySample>();
  const kinds = NUMERIC_KINDS | (1 << KIND.histogram);
  for (const matchers of selectors) {
    const request = { matchers, startUs: endUs - LOOKBACK_US_DEFAULT, endUs, kinds };
    for await (const series of storage.select(context, request)) {
      context.signal.throwIfAborted();
      countSeries(countRead, series);
      const sample = newest(series);
      if (sample === undefined) continue;
      context.budget.take(SAMPLE_BYTES);
      union.set(labelsKey(sample.labels), sample);
    }
  }
  return [...union.values()].toSorted((a, b) => compareUtf8(nameOf(a), nameOf(b)));
}

export async function federate(deps: MetadataDependencies, exchange: Exchange): Promise<void> {
  const params = exchange.search;
  const selectors = await selectorParams(params, { named: false });
  const format = federationFormat(exchange.header('accept') ?? '');
  const samples = await read(deps, exchange, params, 'federate', (_context, query) =>
    found(deps.storage, query, selectors, nowUs(deps.clock)),
  );
  const headers = { 'Content-Type': contentType(format) };
  if (format.isProtobuf) return await exchange.sendStream(200, headers, chunked(samples, format));
  await exchange.sendStream(200, headers, inSlices(textFamilies(samples, format.scheme), deps));
}

async function* chunked(
  samples: readonly FamilySample[],
  { scheme }: Format,
): AsyncGenerator<Uint8Array> {
  yield* protobufFamilies(samples, scheme);
}
