// Warp 10's `/api/v0/delete?selector=…&start=…&end=…` (or `deleteall`): deletes points and lists
// the series that had some, one `CLASS{labels}{attributes}` a line. A GET that changes state is
// safe from pages of other origins because it needs the header X-Warp10-Token, which they cannot
// send. Source: senx/warp10-platform, standalone/StandaloneDeleteHandler.java.
import { AppError } from '../../model/errors.ts';
import type { Matcher } from '../../model/matcher.ts';
import { labelsKey } from '../../model/labels.ts';
import type { StorageReader, StorageWriter } from '../../model/storage.ts';
import { errorMessage } from '../../stdx/assert.ts';
import type { TimeUnit } from '../../formats/warp10/gts.ts';
import type { QueryService } from '../../query/query-service.ts';
import { deleteDeed } from '../http/deeds.ts';
import type { Exchange } from '../http/exchange.ts';
import { parseTime, T_US_MAX } from '../prometheus/params.ts';

export interface Warp10DeleteDependencies {
  readonly storage: StorageReader & StorageWriter;
  readonly queries: QueryService;
  readonly warp10: { readonly timeUnit: TimeUnit };
}

/** Parameters of the real server that would select otherwise than it is done here. */
const UNKNOWN = [
  'minage',
  'metaonly',
  'activeafter',
  'quietafter',
  'nocache',
  'nopersist',
] as const;

function invalid(message: string): AppError {
  return new AppError('invalid', 'warp10-delete', message);
}

/** Microseconds at which a time of the platform's unit begins; its last one where `isEnd`. */
function timeUs(text: string, timeUnit: TimeUnit, isEnd: boolean): number {
  const isText = text.includes('T');
  const parsed = isText ? parseTime(text) : /^[+-]?\d{1,19}$/.test(text) ? Number(text) : undefined;
  if (parsed === undefined) throw invalid(`invalid time ${JSON.stringify(text.slice(0, 100))}`);
  let tUs = parsed;
  if (!isText && timeUnit === 'ms') tUs = parsed * 1000 + (isEnd ? 999 : 0);
  else if (!isText && timeUnit === 'ns') tUs = Math.floor(parsed / 1000);
  return Math.max(-T_US_MAX, Math.min(T_US_MAX, tUs));
}

function rangeOf(params: URLSearchParams, timeUnit: TimeUnit) {
  const [start, end] = [params.get('start'), params.get('end')];
  if ((start === null) !== (end === null)) throw invalid('Both start and end should be defined.');
  if (start === null || end === null) {
    if (!params.has('deleteall'))
      throw invalid('Parameter deleteall should be set when no time range is specified.');
    return { startUs: -T_US_MAX, endUs: T_US_MAX };
  }
  const range = { startUs: timeUs(start, timeUnit, false), endUs: timeUs(end, timeUnit, true) };
  if (range.startUs > range.endUs) throw invalid('Invalid time range specification.');
  return range;
}

async function matchersOf(params: URLSearchParams): Promise<Matcher[]> {
  const text = params.get('selector') ?? '';
  if (text === '')
    throw invalid("Invalid 'selector' query parameter, should not be missing or empty.");
  const [{ parseSelector, SelectorError }, { RegexError }] = await Promise.all([
    import('../../formats/warp10/selector.ts'),
    import('../../codec/regex.ts'),
  ]);
  try {
    return parseSelector(text);
  } catch (error) {
    if (!(error instanceof SelectorError || error instanceof RegexError)) throw error;
    throw invalid(`invalid selector: ${errorMessage(error)}`);
  }
}

/** Series with points in the range, as the answer lists them. */
async function listed(
  deps: Warp10DeleteDependencies,
  exchange: Exchange,
  selector: {
    readonly text: string;
    readonly matchers: readonly Matcher[];
    readonly startUs: number;
    readonly endUs: number;
  },
): Promise<string> {
  const { printAttributes, printSeries } = await import('../../formats/warp10/series-text.ts');
  const query = {
    principal: exchange.principal,
    language: 'warp10-delete',
    text: selector.text,
    timeoutMs: undefined,
    signal: exchange.signal,
  };
  return await deps.queries.run(query, async ({ context }) => {
    const attributes = new Map<string, string>();
    for (const one of await deps.storage.attributes(context, selector))
      attributes.set(labelsKey(one.labels), printAttributes(one.attributes));
    const series = await deps.storage.series(context, { ...selector, limit: 0 });
    return series
      .map((labels) => `${printSeries(labels)}${attributes.get(labelsKey(labels)) ?? '{}'}\r\n`)
      .join('');
  });
}

export async function deleteSeries(
  deps: Warp10DeleteDependencies,
  exchange: Exchange,
): Promise<void> {
  const params = await exchange.form();
  if (exchange.header('x-warp10-token') === undefined) throw invalid('Missing token.');
  const unknown = UNKNOWN.find((name) => params.has(name));
  if (unknown !== undefined) throw invalid(`Parameter ${unknown} is not supported here.`);
  const matchers = await matchersOf(params);
  const range = rangeOf(params, deps.warp10.timeUnit);
  const text = params.get('selector') ?? '';
  const body = await listed(deps, exchange, { text, matchers, ...range });
  const request = { matchers, ...range, dryRun: false, skipCounts: true };
  const options = {
    principal: exchange.principal,
    durability: 'sync',
    protocol: 'warp10',
    batchId: undefined,
  } as const;
  // HEAD asks what GET would say, and changes nothing.
  const isDry = params.has('dryrun') || exchange.request.method === 'HEAD';
  if (!isDry)
    await exchange.deed(deleteDeed('warp10', [text], params), () =>
      deps.storage.delete(request, options),
    );
  exchange.send({ status: 200, headers: { 'Content-Type': 'text/plain; charset=utf-8' }, body });
}
