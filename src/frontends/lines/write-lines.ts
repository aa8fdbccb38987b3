// One write of a protocol without answers: tried again as long as it may pass (the sender is not
// read meanwhile), and what is refused is counted, sampled into the refused lines and logged.
import type { Ingest, WriteRequest, WriteResult } from '../../ingest/ingest.ts';
import type { RefusedLines } from '../../ingest/refused-lines.ts';
import { AppError } from '../../model/errors.ts';
import type { LimitFacts } from '../../model/errors.ts';
import type { ScanResult } from '../../model/rows.ts';
import type { Principal, TenantId } from '../../model/tenant.ts';
import { errorMessage, FatalError } from '../../stdx/assert.ts';
import type { Scheduler } from '../../stdx/scheduler.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { RETRY_MS } from './limits.ts';
import type { LineMetrics } from './line-metrics.ts';

export interface LineDependencies {
  readonly ingest: Ingest;
  readonly refusedLines: RefusedLines;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  readonly onFatal: (error: unknown) => void;
  /** A limit of a tenant or a token refused lines, or lets them wait. */
  readonly onLimited?: ((limited: LimitedLines) => void) | undefined;
}

export interface LimitedLines {
  readonly principal: Principal;
  readonly limit: LimitFacts;
  /** The protocol: lines come by no path. */
  readonly path: string;
  readonly peer: string;
}

export interface LineSource {
  readonly protocol: string;
  readonly peer: string;
  /** Is `peer` one sender, or everybody who sends datagrams? */
  readonly isOne: boolean;
  readonly metrics: LineMetrics;
  readonly signal: AbortSignal;
}

/** Lines [0, end) of `body` and how to read them. */
export interface LineRequest<Result extends ScanResult> extends Pick<
  WriteRequest<Result>,
  'protocol' | 'profileKey' | 'scan'
> {
  readonly body: Uint8Array;
  readonly end: number;
  /** Who sends, asked anew after each wait. Throws AppError where it is nobody any more. */
  readonly sender: () => Principal;
}

export function lineCount(body: Uint8Array, end: number): number {
  let count = 0;
  for (let i = 0; i < end; i++) if (body[i] === 10) count++;
  return count;
}

function mayPass(error: unknown): error is AppError {
  return error instanceof AppError && error.retryable;
}

/** Writes whole lines: the result, or the error that they were lost with. */
export async function writeLines<Result extends ScanResult>(
  deps: LineDependencies,
  source: LineSource,
  principal: Principal,
  request: LineRequest<Result>,
): Promise<WriteResult<Result> | AppError> {
  const { body, end, sender, ...scanned } = request;
  const { peer } = source;
  const asked = {
    ...scanned,
    peer,
    durability: 'sync',
    batchId: undefined,
    sizeBytes: end,
  } as const;
  for (let hasWaited = false; ; hasWaited = true)
    try {
      const written = await deps.ingest.write(hasWaited ? sender() : principal, asked);
      const { errorCount: count, errors } = written.scan;
      // The ingest has told who keeps refused rows.
      if (count > 0) warnRefused(deps, source, principal.tenant, count, errors[0]?.reason);
      return written;
    } catch (error) {
      const limit = error instanceof AppError ? error.limit : undefined;
      if (limit !== undefined) deps.onLimited?.({ principal, limit, path: source.protocol, peer });
      if (!mayPass(error) || isOthersWait(source, error) || source.signal.aborted) {
        const count = lineCount(body, end);
        return lost(deps, source, { tenant: principal.tenant, count, error });
      }
      deps.logger.warn('lines wait', { ...names(source), reason: error.message });
      await patience(deps, source.signal, error);
    }
}

/** Would everybody who sends datagrams wait for the limit of one of them? */
function isOthersWait({ isOne }: LineSource, { kind }: AppError): boolean {
  return !isOne && kind === 'limited';
}

async function patience(
  { scheduler }: LineDependencies,
  signal: AbortSignal,
  { retryAfterSec }: AppError,
): Promise<void> {
  const waitMs = retryAfterSec === undefined ? RETRY_MS : retryAfterSec * 1000;
  try {
    await scheduler.sleep(waitMs, signal);
  } catch (error) {
    // Giving up is the answer to an abort; the write is tried once more and then lost.
    if (!signal.aborted) throw error;
  }
}

function names({ protocol, peer }: LineSource): { protocol: string; peer: string } {
  return { protocol, peer };
}

/** Counts and keeps lines of a tenant that reached no parser. */
export function tellRefused(
  deps: LineDependencies,
  source: LineSource,
  tenant: TenantId,
  count: number,
  reasons: readonly string[],
): void {
  keepLost(deps, source, { tenant, count, reasons });
  warnRefused(deps, source, tenant, count, reasons[0]);
}

function warnRefused(
  { logger }: LineDependencies,
  source: LineSource,
  tenant: TenantId,
  count: number,
  reason: string | undefined,
): void {
  logger.warn('lines refused', { ...names(source), tenant, count, reason });
}

function keepLost(
  { refusedLines }: LineDependencies,
  source: LineSource,
  lines: { tenant: TenantId; count: number; reasons: readonly string[] },
): void {
  const { tenant, count, reasons } = lines;
  const rows = reasons.map((reason) => ({ line: 0, column: -1, reason }));
  refusedLines.add({ tenant, ...names(source), counts: [['not-parsed', count]], rows });
}

function lost(
  deps: LineDependencies,
  source: LineSource,
  { tenant, count, error }: { tenant: TenantId; count: number; error: unknown },
): AppError {
  if (error instanceof FatalError) deps.onFatal(error);
  const reason = errorMessage(error);
  source.metrics.lost('not writable').add(count);
  keepLost(deps, source, { tenant, count, reasons: [reason] });
  deps.logger.error('lines lost', { ...names(source), tenant, count, reason });
  if (error instanceof AppError) return error;
  return new AppError('internal', 'internal', reason, { cause: error });
}
