// InfluxDB's writes: `/write?db=…&rp=…&precision=…` (1.x), `/api/v2/write?bucket=DB[/RP]` (2.x) and
// `/api/v3/write_lp?db=…` (3). `db` and `rp` become labels of every row. Good lines of a bad batch
// are kept by 1.x, refused with it by 2.x, and the one or the other by 3, as their owners do;
// docs/protocols/influx.md.
import { AppError } from '../../model/errors.ts';
import type { Ingest } from '../../ingest/ingest.ts';
import type { InfluxPrecision, LineProtocolResult } from '../../formats/influx/line-protocol.ts';
import type { Clock } from '../../stdx/clock.ts';
import { nowUs } from '../../stdx/clock.ts';
import { lazy } from '../../stdx/lazy.ts';
import type { Exchange } from '../http/exchange.ts';
import { extraLabels, withForcedLabels, writeOptions } from '../http/write-options.ts';
import type { WriteOptions } from '../http/write-options.ts';
import { influxV1ErrorAnswer, influxV2ErrorAnswer, influxV3ErrorAnswer } from './errors.ts';
import { bucketOf, INFLUX_PROTOCOL, mappingOf } from './target.ts';
import type { InfluxDatabase } from './target.ts';

const loadLineProtocol = lazy(() => import('../../formats/influx/line-protocol.ts'));
const loadAnswers = lazy(() => import('../../formats/influx/answers.ts'));

export interface InfluxDependencies {
  readonly ingest: Ingest;
  readonly clock: Clock;
}

const V1_PRECISION: ReadonlyMap<string, InfluxPrecision> = new Map([
  ['', 'ns'],
  ['n', 'ns'],
  ['ns', 'ns'],
  ['u', 'us'],
  ['us', 'us'],
  ['µ', 'us'],
  ['ms', 'ms'],
  ['s', 's'],
  ['m', 'm'],
  ['h', 'h'],
]);
const V2_PRECISION: ReadonlyMap<string, InfluxPrecision> = new Map([
  ['', 'ns'],
  ['ns', 'ns'],
  ['us', 'us'],
  ['ms', 'ms'],
  ['s', 's'],
]);

const V3_PRECISION: ReadonlyMap<string, InfluxPrecision> = new Map([
  ['', 'auto'],
  ['auto', 'auto'],
  ['n', 'ns'],
  ['ns', 'ns'],
  ['nanosecond', 'ns'],
  ['u', 'us'],
  ['us', 'us'],
  ['microsecond', 'us'],
  ['ms', 'ms'],
  ['millisecond', 'ms'],
  ['s', 's'],
  ['second', 's'],
]);
/** Of clusters of 1.x; here every write is as safe as it gets. */
const V1_CONSISTENCY: ReadonlySet<string> = new Set(['', 'any', 'one', 'quorum', 'all']);

interface Target extends InfluxDatabase {
  readonly precision: InfluxPrecision;
  readonly refuses?: (result: LineProtocolResult) => boolean;
  readonly options?: Partial<WriteOptions>;
}

interface Written {
  readonly result: LineProtocolResult;
  readonly body: Uint8Array;
}

function precisionOf(
  known: ReadonlyMap<string, InfluxPrecision>,
  text: string,
  message: string,
): InfluxPrecision {
  const precision = known.get(text);
  if (precision === undefined) throw new AppError('invalid', 'precision', message);
  return precision;
}

/** A parameter that says yes or no, undefined where it is absent. */
function flagOf(search: URLSearchParams, name: string): boolean | undefined {
  const text = search.get(name);
  if (text === null) return undefined;
  if (text === 'true') return true;
  if (text === 'false') return false;
  throw new AppError('invalid', name, `${name} must be true or false`);
}

async function write(
  deps: InfluxDependencies,
  exchange: Exchange,
  target: Target,
): Promise<Written> {
  const options = { ...writeOptions(exchange), ...target.options };
  const { precision, refuses } = target;
  const mapping = mappingOf(target);
  const body = await exchange.body();
  const { scanLineProtocol } = await loadLineProtocol();
  const scanOptions = { precision, defaultTimeUs: nowUs(deps.clock), mapping };
  const principal = withForcedLabels(exchange.principal, extraLabels(exchange.search));
  const written = await deps.ingest.write(principal, {
    ...options,
    ...(refuses === undefined ? {} : { refuses }),
    protocol: INFLUX_PROTOCOL,
    profileKey: JSON.stringify(mapping),
    sizeBytes: body.length,
    scan: (dictionary, sink) => scanLineProtocol(body, body.length, scanOptions, dictionary, sink),
  });
  const { scan: result, overLimit } = written;
  // A line of several refused fields counts once, so malformed ones may hide behind it.
  if (overLimit !== undefined && result.malformedCount === 0) throw overLimit;
  return { result, body };
}

export async function writeV1(deps: InfluxDependencies, exchange: Exchange): Promise<void> {
  const { search } = exchange;
  const asked = search.get('precision') ?? '';
  const message = `invalid precision ${JSON.stringify(asked)} (use n, u, ms, s, m or h)`;
  if (!V1_CONSISTENCY.has((search.get('consistency') ?? '').toLowerCase()))
    throw new AppError('invalid', 'consistency', 'invalid consistency level');
  const { result } = await write(deps, exchange, {
    database: search.get('db') ?? '',
    retention: search.get('rp') ?? '',
    precision: precisionOf(V1_PRECISION, asked, message),
  });
  const { influxV1Error } = await loadAnswers();
  const error = influxV1Error(result);
  exchange.send(error === undefined ? { status: 204 } : influxV1ErrorAnswer(400, error));
}

export async function writeV2(deps: InfluxDependencies, exchange: Exchange): Promise<void> {
  const { search } = exchange;
  const message = 'invalid precision; valid precision units are ns, us, ms, and s';
  const { influxV2Error, influxV2RefusesBatch } = await loadAnswers();
  const { result } = await write(deps, exchange, {
    ...bucketOf(search.get('bucket') ?? ''),
    precision: precisionOf(V2_PRECISION, search.get('precision') ?? '', message),
    refuses: influxV2RefusesBatch,
  });
  const refusal = influxV2Error(result);
  if (refusal === undefined) exchange.send({ status: 204 });
  else exchange.send(influxV2ErrorAnswer(refusal.status, refusal.body));
}

export async function writeV3(deps: InfluxDependencies, exchange: Exchange): Promise<void> {
  const { search } = exchange;
  const asked = search.get('precision') ?? '';
  const message = `unrecognized precision unit: ${asked}`;
  const acceptsPartial = flagOf(search, 'accept_partial') ?? true;
  const isAsync = flagOf(search, 'no_sync') ?? false;
  const answers = await loadAnswers();
  const { result, body } = await write(deps, exchange, {
    ...bucketOf(search.get('db') ?? ''),
    precision: precisionOf(V3_PRECISION, asked, message),
    refuses: (scanned) => answers.influxV3RefusesBatch(scanned, { acceptsPartial }),
    options: isAsync ? { durability: 'async' } : {},
  });
  const refusal = answers.influxV3Error(result, { acceptsPartial, body });
  if (refusal === undefined) exchange.send({ status: 204 });
  else exchange.send(influxV3ErrorAnswer(refusal.status, refusal.body));
}
