// Warp 10's `POST /api/v0/update` (points) and `/api/v0/meta` (attributes). Good lines of a bad
// body are kept, and the answer is 400 with the first bad line in body and headers. A body whose
// Content-Type is application/gzip is gzip, whatever Content-Encoding says.
// Source: senx/warp10-platform, standalone/StandaloneIngressHandler.java.
import { AppError } from '../../model/errors.ts';
import type { ScanResult } from '../../model/rows.ts';
import type { Ingest, WriteResult } from '../../ingest/ingest.ts';
import type { GtsOptions, TimeUnit } from '../../formats/warp10/gts.ts';
import type { Clock } from '../../stdx/clock.ts';
import { nowUs } from '../../stdx/clock.ts';
import { contentCoding } from '../http/body.ts';
import type { Exchange } from '../http/exchange.ts';
import { extraLabels, withForcedLabels, writeOptions } from '../http/write-options.ts';
import { lazy } from '../../stdx/lazy.ts';

const loadGts = lazy(() => import('../../formats/warp10/gts.ts'));

export interface Warp10UpdateDependencies {
  readonly ingest: Ingest;
  readonly clock: Clock;
  readonly warp10: { readonly timeUnit: TimeUnit };
}

const GZIP_TYPE = /^application\/(?:x-)?gzip\b/i;
/** Longest reason in a header. */
const REASON_LENGTH_MAX = 1024;
const NOW = /^([+-]?)(\d{1,18})$/;

async function bodyOf(exchange: Exchange): Promise<Uint8Array> {
  const coding = contentCoding(exchange.request);
  const isGzip = GZIP_TYPE.test(exchange.header('content-type') ?? '');
  return await exchange.body(coding === 'identity' && isGzip ? 'gzip' : coding);
}

function unitsUs(digits: string, timeUnit: TimeUnit): { tUs: number; subNs: number } {
  if (timeUnit === 'ms') return { tUs: Number(digits) * 1000, subNs: 0 };
  if (timeUnit === 'us') return { tUs: Number(digits), subNs: 0 };
  const cut = Math.max(0, digits.length - 3);
  return { tUs: Number(digits.slice(0, cut)), subNs: Number(digits.slice(cut)) };
}

/** The time that relative ones count from: `X-Warp10-Now` or `now`, absolute, or +/- from now. */
function gtsOptions(deps: Warp10UpdateDependencies, exchange: Exchange): GtsOptions {
  const { timeUnit } = deps.warp10;
  const now = nowUs(deps.clock);
  const text = exchange.header('x-warp10-now') ?? exchange.search.get('now') ?? '*';
  if (text === '*') return { timeUnit, nowUs: now, nowSubNs: 0 };
  const match = NOW.exec(text);
  const { tUs, subNs } = unitsUs(match?.[2] ?? '', timeUnit);
  const sign = match?.[1] ?? '';
  let [base, rest] = [tUs, subNs];
  if (sign === '+') base = now + tUs;
  else if (sign === '-')
    [base, rest] = subNs === 0 ? [now - tUs, 0] : [now - tUs - 1, 1000 - subNs];
  if (match === null || !Number.isSafeInteger(base))
    throw new AppError(
      'invalid',
      'warp10-now',
      'Error when updating data: Invalid base timestamp.',
    );
  return { timeUnit, nowUs: base, nowSubNs: rest };
}

/** Header values are one line of Latin-1. */
function headerText(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, REASON_LENGTH_MAX);
}

function answer(exchange: Exchange, what: string, written: WriteResult<ScanResult>): void {
  const { scan, overLimit } = written;
  if (overLimit !== undefined) throw overLimit;
  const [first] = scan.errors;
  if (first === undefined) return exchange.send({ status: 200 });
  const more = scan.errorCount === 1 ? '' : ` and ${scan.errorCount - 1} more`;
  const reason = `Error when updating ${what}: ${first.reason}`;
  exchange.send({
    status: 400,
    headers: {
      'Content-Type': 'text/plain; charset=utf-8',
      'X-Warp10-Error-Line': String(first.line),
      'X-Warp10-Error-Message': headerText(reason),
    },
    body: `${reason} at line ${first.line}${more}; ${scan.rowCount - scan.errorCount} of ${scan.rowCount} lines were kept\n`,
  });
}

/** One profile for both doors: equal bytes of class and labels are one series. */
const WRITE = { protocol: 'warp10', profileKey: '' } as const;

export async function update(deps: Warp10UpdateDependencies, exchange: Exchange): Promise<void> {
  const options = writeOptions(exchange);
  const scanOptions = gtsOptions(deps, exchange);
  const body = await bodyOf(exchange);
  const { scanGts } = await loadGts();
  const principal = withForcedLabels(exchange.principal, extraLabels(exchange.search));
  const written = await deps.ingest.write(principal, {
    ...options,
    ...WRITE,
    sizeBytes: body.length,
    scan: (dictionary, sink) => scanGts(body, body.length, scanOptions, dictionary, sink),
  });
  answer(exchange, 'data', written);
}

export async function updateMeta(
  deps: Warp10UpdateDependencies,
  exchange: Exchange,
): Promise<void> {
  const options = writeOptions(exchange);
  const body = await bodyOf(exchange);
  const { scanMeta } = await loadGts();
  const written = await deps.ingest.write(exchange.principal, {
    ...options,
    ...WRITE,
    sizeBytes: body.length,
    scan: (dictionary, sink) => scanMeta(body, body.length, dictionary, sink),
  });
  answer(exchange, 'meta', written);
}
