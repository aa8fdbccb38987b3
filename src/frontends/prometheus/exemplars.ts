// `/api/v1/query_exemplars`: exemplars of the series that the selectors of an expression select.
// Source: Prometheus docs/querying/api.md ("Querying exemplars"), web/api/v1/api.go.
import { compareLabels, labelsKey } from '../../model/labels.ts';
import { matcher } from '../../model/matcher.ts';
import type { ExemplarSeries, ReadContext, StorageReader } from '../../model/storage.ts';
import type { SeriesSelector } from '../../model/storage.ts';
import { floatText, timeText } from '../../query/number-text.ts';
import { inSlices, labelsJson } from '../../query/prometheus-json.ts';
import { AppError } from '../../model/errors.ts';
import { errorMessage } from '../../stdx/assert.ts';
import type { Exchange } from '../http/exchange.ts';
import { JSON_HEADERS, listJson, read } from './metadata.ts';
import type { MetadataDependencies } from './metadata.ts';
import { orderedTimes, rangeParams } from './params.ts';

type Exemplar = ExemplarSeries['exemplars'][number];

async function parsedSelectors(text: string): Promise<readonly SeriesSelector['matchers'][]> {
  const { parseExpr } = await import('../../promql/parser.ts');
  const { selectorsOf } = await import('../../promql/selectors.ts');
  const selectors = selectorsOf(parseExpr(text));
  try {
    return selectors.map((list) => list.map((m) => matcher(m.name, m.type, m.value)));
  } catch (error) {
    throw new AppError('invalid', 'bad-matcher', errorMessage(error), { cause: error });
  }
}

/** Exemplars of all selectors, those of one series together, each once, in order of time. */
async function found(
  storage: StorageReader,
  context: ReadContext,
  selectors: readonly SeriesSelector[],
): Promise<readonly ExemplarSeries[]> {
  const union = new Map<string, ExemplarSeries>();
  for (const selector of selectors)
    for (const one of await storage.exemplars(context, selector))
      // Selectors differ in the series they find, not in what they find of a series.
      union.set(labelsKey(one.labels), one);
  return [...union.values()].toSorted((a, b) => compareLabels(a.labels, b.labels));
}

function exemplarJson({ labels, value, tUs }: Exemplar): string {
  const numbers = `"value":"${floatText(value)}","timestamp":${timeText(tUs)}`;
  return `{"labels":${labelsJson(labels)},${numbers}}`;
}

function seriesJson({ labels, exemplars }: ExemplarSeries): string {
  const list = exemplars.map(exemplarJson).join(',');
  return `{"seriesLabels":${labelsJson(labels)},"exemplars":[${list}]}`;
}

export async function queryExemplars(
  deps: MetadataDependencies,
  exchange: Exchange,
): Promise<void> {
  const params = await exchange.form();
  const range = rangeParams(params);
  orderedTimes(range.startUs, range.endUs);
  const selectors = await parsedSelectors(params.get('query') ?? '');
  // Prometheus answers an expression without selectors like this.
  if (selectors.length === 0) return exchange.send({ status: 204 });
  const series = await read(deps, exchange, params, 'exemplars', (context) =>
    found(
      deps.storage,
      context,
      selectors.map((matchers) => ({ ...range, matchers })),
    ),
  );
  const pieces = listJson(series.map(seriesJson));
  await exchange.sendStream(200, JSON_HEADERS, inSlices(pieces, deps));
}
