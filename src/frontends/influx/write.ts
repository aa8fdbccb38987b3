// InfluxDB's writes: `/write?db=…&rp=…&precision=…` (1.x) and `/api/v2/write?bucket=DB[/RP]` (2.x).
// `db` and `rp` become labels of every row. Good lines of a bad batch are kept by 1.x and refused
// with it by 2.x, as their owners do; docs/protocols/influx.md.
import { AppError } from '../../model/errors.ts';
import type { Ingest } from '../../ingest/ingest.ts';
import type { InfluxPrecision, LineProtocolResult } from '../../formats/influx/line-protocol.ts';
import type { Clock } from '../../stdx/clock.ts';
import { nowUs } from '../../stdx/clock.ts';
import type { Exchange } from '../http/exchange.ts';
import { writeOptions } from '../http/write-options.ts';
import { influxErrorAnswer } from './errors.ts';

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

interface Target {
  readonly database: string;
  readonly retention: string;
  readonly precision: InfluxPrecision;
  readonly refuses?: (result: LineProtocolResult) => boolean;
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

async function write(
  deps: InfluxDependencies,
  exchange: Exchange,
  target: Target,
): Promise<LineProtocolResult> {
  const options = writeOptions(exchange);
  const { database, retention, precision, refuses } = target;
  const mapping: string[] = [];
  if (database !== '') mapping.push('db', database);
  if (retention !== '') mapping.push('rp', retention);
  const body = await exchange.body();
  const { scanLineProtocol } = await import('../../formats/influx/line-protocol.ts');
  const scanOptions = { precision, defaultTimeUs: nowUs(deps.clock), mapping };
  const written = await deps.ingest.write(exchange.principal, {
    ...options,
    ...(refuses === undefined ? {} : { refuses }),
    protocol: 'influx',
    profileKey: JSON.stringify(mapping),
    sizeBytes: body.length,
    scan: (dictionary, sink) => scanLineProtocol(body, body.length, scanOptions, dictionary, sink),
  });
  return written.scan;
}

export async function writeV1(deps: InfluxDependencies, exchange: Exchange): Promise<void> {
  const { search } = exchange;
  const asked = search.get('precision') ?? '';
  const message = `invalid precision ${JSON.stringify(asked)} (use n, u, ms, s, m or h)`;
  const result = await write(deps, exchange, {
    database: search.get('db') ?? '',
    retention: search.get('rp') ?? '',
    precision: precisionOf(V1_PRECISION, asked, message),
  });
  const { influxV1Error } = await import('../../formats/influx/answers.ts');
  const error = influxV1Error(result);
  exchange.send(error === undefined ? { status: 204 } : influxErrorAnswer(400, error));
}

export async function writeV2(deps: InfluxDependencies, exchange: Exchange): Promise<void> {
  const { search } = exchange;
  const bucket = search.get('bucket') ?? '';
  const slash = bucket.indexOf('/');
  const message = 'invalid precision; valid precision units are ns, us, ms, and s';
  const { influxV2Error, influxV2RefusesBatch } = await import('../../formats/influx/answers.ts');
  const result = await write(deps, exchange, {
    database: slash < 0 ? bucket : bucket.slice(0, slash),
    retention: slash < 0 ? '' : bucket.slice(slash + 1),
    precision: precisionOf(V2_PRECISION, search.get('precision') ?? '', message),
    refuses: influxV2RefusesBatch,
  });
  const error = influxV2Error(result);
  if (error === undefined) exchange.send({ status: 204 });
  else exchange.sendJson(400, error);
}
