// What an append must satisfy before anything of it is logged: everything that is logged can be
// applied.
import { isConstant, KIND } from '../model/columns.ts';
import type { Points, WriteBatch } from '../model/columns.ts';
import { AppError } from '../model/errors.ts';
import type { Histogram } from '../model/histogram.ts';
import type { Principal, TenantId } from '../model/tenant.ts';
import { deleteValue } from './catalog-rows.ts';
import type { Delete } from './deletes.ts';
import { BATCH_ID_SIZE_BYTES, DELETE_SIZE_MAX_BYTES, SPLIT_NAME_LENGTH_MAX } from './limits.ts';

const SUB_NS_MAX = 999;
const SPAN_OFFSET_MAX = 2 ** 31;

/** All but refs (series-marks.ts). Throws AppError: bad-time, time-range, bad-rows, bad-value. */
export function validateBatch(batch: WriteBatch, principal: Principal): void {
  for (const points of batch.points) checkColumns(points, principal);
  for (const row of batch.exemplars) checkTime(row.tUs, row.subNs, principal);
  for (const { name } of batch.splits)
    if (name.length > SPLIT_NAME_LENGTH_MAX)
      throw new AppError(
        'invalid',
        'bad-value',
        `a metric name of ${name.length} characters cannot have a split, the limit is ` +
          `${SPLIT_NAME_LENGTH_MAX}`,
      );
}

/** Throws AppError delete-too-large where the delete could not be kept in the catalog. */
export function validateDelete(
  request: Pick<Delete, 'matchers' | 'startUs' | 'endUs'>,
  tenant: TenantId,
): void {
  const sizeBytes = deleteValue({ ...request, tenant, offset: 0, moment: 0 }).length;
  if (sizeBytes > DELETE_SIZE_MAX_BYTES)
    throw new AppError(
      'tooLarge',
      'delete-too-large',
      `the selector of the delete takes ${sizeBytes} bytes, the limit is ${DELETE_SIZE_MAX_BYTES}`,
    );
}

function checkColumns(points: Points, principal: Principal): void {
  const { count, tUs, subNs, rows } = points;
  const bad = firstBadTime(tUs, count, principal);
  if (bad < count) checkTime(tUs[bad]!, 0, principal);
  if (subNs !== undefined) for (let i = 0; i < count; i++) checkTime(tUs[i]!, subNs[i]!, principal);
  if (rows !== undefined)
    for (let i = 1; i < count; i++)
      if (rows[i]! <= rows[i - 1]!)
        throw new AppError('invalid', 'bad-rows', 'row numbers of a column set must ascend');
  if (points.kind === KIND.histogram)
    for (let i = 0; i < count; i++) checkHistogram(points.values[i]!);
}

/** Index of the first time that is none or that the principal may not write; else `count`. */
function firstBadTime(tUs: Float64Array, count: number, { minTUs, maxTUs }: Principal): number {
  const least = Math.max(minTUs, Number.MIN_SAFE_INTEGER);
  const greatest = Math.min(maxTUs, Number.MAX_SAFE_INTEGER);
  const lookCount = isConstant(tUs, count) ? Math.min(count, 1) : count;
  for (let i = 0; i < lookCount; i++) {
    const time = tUs[i]!;
    if (!(time >= least && time <= greatest) || Math.floor(time) !== time) return i;
  }
  return count;
}

function checkTime(tUs: number, subNs: number, { minTUs, maxTUs }: Principal): void {
  if (!Number.isSafeInteger(tUs) || !(subNs <= SUB_NS_MAX))
    throw new AppError('invalid', 'bad-time', `${tUs} µs + ${subNs} ns is not a time`);
  if (tUs < minTUs || tUs > maxTUs)
    throw new AppError('forbidden', 'time-range', `this token may not write at ${tUs} µs`);
}

function checkHistogram(h: Histogram): void {
  const sides = [
    [h.positiveSpans, h.positiveBuckets],
    [h.negativeSpans, h.negativeBuckets],
  ] as const;
  let isGood = Number.isInteger(h.schema) && Math.abs(h.schema) <= 100;
  for (const [spans, buckets] of sides) {
    let length = 0;
    for (const span of spans) {
      isGood &&= Number.isInteger(span.offset) && Math.abs(span.offset) <= SPAN_OFFSET_MAX;
      isGood &&= Number.isInteger(span.length) && span.length >= 0;
      length += span.length;
    }
    isGood &&= length === buckets.length;
  }
  if (!isGood)
    throw new AppError(
      'invalid',
      'bad-value',
      'a native histogram needs a whole schema and one bucket for each place of its spans',
    );
}

/** The id as 32 hexadecimal digits; throws AppError bad-batch-id. */
export function batchIdText(batchId: Uint8Array): string {
  if (batchId.length !== BATCH_ID_SIZE_BYTES)
    throw new AppError('invalid', 'bad-batch-id', 'a batch id has exactly 16 bytes');
  return batchId.toHex();
}
