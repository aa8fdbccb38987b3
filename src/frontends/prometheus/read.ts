// `POST /api/v1/read`: Prometheus remote read, protobuf in block-format snappy. The answer has the
// first form of those the client accepts: samples in one message, held in memory, or frames of
// chunks, series after series in step with the client. Both let others proceed as they are encoded.
// Source: Prometheus
// storage/remote/read_handler.go, docs/querying/remote_read_api.md.
import { snappyPieces } from '../../codec/snappy.ts';
import { ProtobufError } from '../../codec/protobuf.ts';
import { decodeReadRequest } from '../../formats/remote-read/read-request.ts';
import type { ReadQuery, ReadRequest } from '../../formats/remote-read/read-request.ts';
import { QueryResultWriter, readResponse } from '../../formats/remote-read/read-response.ts';
import { seriesFrames } from '../../formats/remote-read/read-response.ts';
import { KIND, NUMERIC_KINDS } from '../../model/columns.ts';
import { AppError } from '../../model/errors.ts';
import { matcher } from '../../model/matcher.ts';
import type { SelectRequest, StorageReader } from '../../model/storage.ts';
import { inSlices } from '../../query/prometheus-json.ts';
import { countSeries } from '../../query/query-service.ts';
import type { QueryService, RunningQuery } from '../../query/query-service.ts';
import { errorMessage } from '../../stdx/assert.ts';
import type { Clock } from '../../stdx/clock.ts';
import type { Scheduler } from '../../stdx/scheduler.ts';
import { Slices } from '../../windows/leaf-slices.ts';
import type { Exchange } from '../http/exchange.ts';
import { checkSnappy, snappyBody } from './snappy-body.ts';

export interface ReadDependencies {
  readonly storage: StorageReader;
  readonly queries: QueryService;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
}

const RESPONSE = { samples: 0, chunks: 1 } as const;
const SAMPLES_HEADERS = {
  'Content-Type': 'application/x-protobuf',
  'Content-Encoding': 'snappy',
};
const CHUNKS_HEADERS = {
  'Content-Type': 'application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse',
};

function invalid(message: string, cause?: unknown): AppError {
  return new AppError('invalid', 'remote-read', message, { cause });
}

async function requestOf(exchange: Exchange): Promise<ReadRequest> {
  checkSnappy(exchange);
  const body = (await snappyBody(exchange)).decoded();
  try {
    return decodeReadRequest(body);
  } catch (error) {
    if (error instanceof ProtobufError) throw invalid(error.message, error);
    throw error;
  }
}

function responseType({ acceptedTypes }: ReadRequest): number {
  if (acceptedTypes.length === 0) return RESPONSE.samples;
  const known: readonly number[] = Object.values(RESPONSE);
  const type = acceptedTypes.find((accepted) => known.includes(accepted));
  if (type !== undefined) return type;
  throw invalid(
    `server does not support any of the requested response types: ${acceptedTypes.join(', ')}; ` +
      'supported: SAMPLES (0), STREAMED_XOR_CHUNKS (1)',
  );
}

function selectRequest({ startMs, endMs, matchers }: ReadQuery): SelectRequest {
  try {
    return {
      matchers: matchers.map(({ name, type, value }) => matcher(name, type, value)),
      startUs: startMs * 1000,
      endUs: endMs * 1000,
      kinds: NUMERIC_KINDS | (1 << KIND.histogram),
    };
  } catch (error) {
    throw invalid(errorMessage(error), error);
  }
}

/** Held in the query's budget until it is sent. */
async function samplesOf(
  { storage, clock, scheduler }: ReadDependencies,
  { context, countRead }: RunningQuery,
  request: SelectRequest,
): Promise<QueryResultWriter> {
  const result = new QueryResultWriter();
  // A query without matchers selects nothing, as in Prometheus.
  if (request.matchers.length === 0) return result;
  const slices = new Slices(clock, scheduler);
  let held = 0;
  for await (const series of storage.select(context, request)) {
    context.signal.throwIfAborted();
    countSeries(countRead, series);
    // oxlint-disable-next-line no-unused-vars -- only the moments count
    for (const _ of result.add(series)) {
      const pause = slices.pause();
      if (pause !== undefined) await pause;
      context.signal.throwIfAborted();
    }
    context.budget.take(result.size - held);
    held = result.size;
    const pause = slices.pause();
    if (pause !== undefined) await pause;
  }
  return result;
}

async function* frames(
  { storage, clock, scheduler }: ReadDependencies,
  { context, countRead }: RunningQuery,
  requests: readonly SelectRequest[],
): AsyncGenerator<Uint8Array> {
  const slices = new Slices(clock, scheduler);
  for (const [index, request] of requests.entries()) {
    if (request.matchers.length === 0) continue;
    for await (const series of storage.select(context, request)) {
      context.signal.throwIfAborted();
      countSeries(countRead, series);
      for (const frame of seriesFrames(series, index)) {
        if (frame !== undefined) yield frame;
        const pause = slices.pause();
        if (pause === undefined) continue;
        await pause;
        context.signal.throwIfAborted();
      }
    }
  }
}

export async function remoteRead(deps: ReadDependencies, exchange: Exchange): Promise<void> {
  const request = await requestOf(exchange);
  const type = responseType(request);
  const requests = request.queries.map(selectRequest);
  const text = request.queries
    .map(({ matchers }) => matchers.map((m) => m.name + m.type + m.value).join(','))
    .join(' ');
  const query = {
    principal: exchange.principal,
    language: 'remote-read',
    text: text.slice(0, 1000),
    timeoutMs: undefined,
    signal: exchange.signal,
  };
  await deps.queries.run(query, async (running) => {
    const { context, evaluated } = running;
    if (type === RESPONSE.chunks) {
      const pieces = frames(deps, running, requests);
      return await exchange.sendStream(200, CHUNKS_HEADERS, pieces, { signal: context.signal });
    }
    const results: QueryResultWriter[] = [];
    for (const one of requests) results.push(await samplesOf(deps, running, one));
    evaluated();
    const pieces = inSlices(snappyPieces(readResponse(results)), deps);
    await exchange.sendStream(200, SAMPLES_HEADERS, pieces, { signal: context.signal });
  });
}
