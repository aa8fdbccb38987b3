// `POST /api/put`: points as JSON; docs/protocols/opentsdb.md. Good points of a body are kept
// beside bad ones; `summary` and `details` say how many and which. Points are durable before the
// answer whether `sync` is asked for or not; `sync_timeout` bounds how long the answer may wait
// for that. Source: OpenTSDB 2.4 tsd/PutDataPointRpc.java.
import type { PutProblem, PutResult } from '../../formats/opentsdb/put-json.ts';
import type { Ingest } from '../../ingest/ingest.ts';
import { AppError, HTTP_STATUS } from '../../model/errors.ts';
import type { Scheduler } from '../../stdx/scheduler.ts';
import type { Exchange } from '../http/exchange.ts';
import { extraLabels, withForcedLabels, writeOptions } from '../http/write-options.ts';
import { opentsdbErrorAnswer } from './errors.ts';
import { lazy } from '../../stdx/lazy.ts';

const loadPutJson = lazy(() => import('../../formats/opentsdb/put-json.ts'));

export interface OpentsdbDependencies {
  readonly ingest: Ingest;
  readonly scheduler: Scheduler;
}

const SEE_LOGS = 'Please see the TSD logs or append "details" to the put request';

interface Asked {
  readonly details: boolean;
  readonly summary: boolean;
  /** 0 = as long as it takes. */
  readonly timeoutMs: number;
}

function askedBy(search: URLSearchParams): Asked {
  const text = search.get('sync_timeout') ?? '0';
  if (!/^[+-]?\d{1,9}$/.test(text))
    throw new AppError('invalid', 'sync-timeout', `sync_timeout is no number: ${text}`);
  return {
    details: search.has('details'),
    summary: search.has('summary'),
    timeoutMs: Math.max(Number(text), 0),
  };
}

const TIMED_OUT = Symbol('timed out');

/** What `work` gives, or TIMED_OUT; late failures are nobody's any more. */
async function within<T>(
  scheduler: Scheduler,
  timeoutMs: number,
  work: Promise<T>,
): Promise<T | typeof TIMED_OUT> {
  if (timeoutMs === 0) return await work;
  const { promise: timeout, resolve } = Promise.withResolvers<typeof TIMED_OUT>();
  const cancel = scheduler.after(timeoutMs, () => resolve(TIMED_OUT));
  work.catch(() => undefined);
  try {
    return await Promise.race([work, timeout]);
  } finally {
    cancel();
  }
}

function malformed(result: PutResult): AppError | undefined {
  if (result.malformed !== '') return new AppError('invalid', 'json', result.malformed);
  if (result.rowCount > 0) return undefined;
  return new AppError('invalid', 'no-points', 'No datapoints found in content');
}

/** Counts of an answer that was asked for, or of one that failed. */
interface Outcome {
  readonly success: number;
  readonly failed: number;
  readonly timeouts: number;
  readonly errors: readonly PutProblem[];
  /** Set where it refused all of it. */
  readonly overLimit: AppError | undefined;
}

function sendOutcome(exchange: Exchange, asked: Asked, outcome: Outcome): void {
  const { success, failed, timeouts, errors, overLimit } = outcome;
  const isBad = failed + timeouts > 0;
  const status = overLimit === undefined ? 400 : HTTP_STATUS[overLimit.kind];
  if (overLimit?.retryAfterSec !== undefined)
    exchange.response.setHeader('Retry-After', overLimit.retryAfterSec);
  if (asked.details || asked.summary)
    return exchange.sendJson(isBad ? status : 200, {
      ...(asked.details ? { errors } : {}),
      failed,
      success,
      ...(asked.timeoutMs > 0 ? { timeouts } : {}),
    });
  if (!isBad) return exchange.send({ status: 204 });
  const refusal = overLimit?.message ?? 'One or more data points had errors';
  const message =
    timeouts === 0
      ? refusal
      : `The put call has timedout with ${success} successful writes, ` +
        `${failed} failed writes and ${timeouts} timed out writes.`;
  // As with a summary: what was kept is never a secret.
  exchange.send(opentsdbErrorAnswer(status, message, SEE_LOGS, { failed, success }));
}

export async function put(deps: OpentsdbDependencies, exchange: Exchange): Promise<void> {
  const { search } = exchange;
  const asked = askedBy(search);
  const { durability, ...about } = writeOptions(exchange);
  const principal = withForcedLabels(exchange.principal, extraLabels(search));
  const sent = await exchange.body();
  // A write may go on behind its timeout, when the memory of the body is another one's.
  const body = asked.timeoutMs > 0 ? sent.slice() : sent;
  if (body.length === 0) throw new AppError('invalid', 'no-body', 'Missing request content');
  const { scanPutJson } = await loadPutJson();
  let result: PutResult | undefined = undefined;
  const writing = deps.ingest.write<PutResult>(principal, {
    durability: search.has('sync') ? 'sync' : durability,
    ...about,
    protocol: 'opentsdb',
    profileKey: 'json',
    sizeBytes: body.length,
    refuses: (scan) => scan.malformed || false,
    scan: (dictionary, sink) => {
      const options = { wantsProblems: asked.details };
      result = scanPutJson(body, body.length, options, dictionary, sink);
      return result;
    },
  });
  const written = await within(deps.scheduler, asked.timeoutMs, writing);
  const scan = written === TIMED_OUT ? (result as PutResult | undefined) : written.scan;
  if (scan === undefined) throw new AppError('timeout', 'sync-timeout', 'the put call timed out');
  const error = malformed(scan);
  if (error !== undefined) return refuse(exchange, error);
  const isLate = written === TIMED_OUT;
  sendOutcome(exchange, asked, {
    success: isLate ? 0 : scan.pointCount,
    failed: scan.errorCount,
    timeouts: isLate ? scan.pointCount : 0,
    errors: scan.problems,
    overLimit: written === TIMED_OUT ? undefined : written.overLimit,
  });
}

function refuse(exchange: Exchange, error: AppError): void {
  const isJson = error.code === 'json' && !error.message.startsWith('The JSON must');
  if (isJson)
    exchange.send(opentsdbErrorAnswer(400, 'Unable to parse the given JSON', error.message));
  else exchange.send(opentsdbErrorAnswer(400, error.message));
}
