// The one way into the storage for every protocol: admission (permission, bytes in flight), the
// scan with the dictionary of the write profile, the append, and further tries where refs went
// stale. Knows no wire format: the caller passes the scan. Knows no HTTP either: what to answer is
// made from the ScanResult by the frontend.
//
// Invariants: a batch is appended APPEND_TRIES_MAX times at most, only with refs of its own scan;
// the body passed to the scan stays the caller's and unchanged until `write` settles; a builder
// goes back to the pool only after its append settled.
import { BatchBuilder } from '../model/batch-builder.ts';
import type { WriteBatch } from '../model/columns.ts';
import { AppError } from '../model/errors.ts';
import type { LimitFacts } from '../model/errors.ts';
import type { Labels } from '../model/labels.ts';
import type { RowDictionary, RowError, RowSink, ScanResult } from '../model/rows.ts';
import { watchedResolver } from '../model/series-watch.ts';
import type { SeriesSender, SeriesWatch } from '../model/series-watch.ts';
import type { AppendOptions, Durability, StorageWriter } from '../model/storage.ts';
import type { Principal, TenantId } from '../model/tenant.ts';
import type { Prng } from '../stdx/prng.ts';
import { FairBytes } from '../tenancy/fair-bytes.ts';
import { limitFacts, limitSentence } from '../tenancy/quotas.ts';
import type { Gate, LimitHit } from '../tenancy/quotas.ts';
import { SERIES_RETRY_SEC } from '../tenancy/limits.ts';
import type { RefusedSeries } from '../tenancy/breaches.ts';
import { hasRows, isEmpty } from './batch-content.ts';
import { withoutDropped } from './dropped-points.ts';
import {
  APPEND_TRIES_MAX,
  BUSY_RETRY_SEC,
  DICTIONARIES_BYTES_MAX,
  IN_FLIGHT_BYTES_MAX,
  MANY_TURNS_BYTES_MIN,
  POOLED_BUILDERS_MAX,
  POOLED_BUILDER_POINTS_MAX,
  TRIES_IN_TURNS_MAX,
} from './limits.ts';
import { MetadataFilter } from './metadata-filter.ts';
import { seriesOverLimit } from './over-limit.ts';
import { refusedByReason } from './refusal-reasons.ts';
import type { RefusedRows } from './refusal-reasons.ts';
import type { ProfileDictionary } from './row-dictionary.ts';
import { DEFAULT_DICTIONARY_BOUNDS } from './row-dictionary.ts';
import type { AdmissionContext, SeriesRefusal } from './series-admission.ts';
import { DEFAULT_LABEL_LIMITS } from './series-admission.ts';
import { TimeRangeSink } from './time-range-sink.ts';
import type { ProfileLimits, RelabelSource } from './write-profiles.ts';
import { WriteProfiles } from './write-profiles.ts';
import type { ScanTurns, WriteTurn, WriteTurns } from './write-turns.ts';
import { TurnOver } from './write-turns.ts';

/**
 * Reads one body; may be called again, also after it was cut short by an error that the dictionary
 * threw, and must do the same thing each time. Synchronous.
 */
export type Scan<Result extends ScanResult> = (dictionary: RowDictionary, sink: RowSink) => Result;

export interface WriteRequest<Result extends ScanResult> {
  /** As AppendOptions.protocol. */
  readonly protocol: string;
  /**
   * Everything that decides what raw row bytes mean beside tenant, protocol and forced labels,
   * which are added here: e.g. the database mapping.
   */
  readonly profileKey: string;
  readonly durability: Durability;
  readonly batchId: Uint8Array | undefined;
  /** Size of the decoded body. */
  readonly sizeBytes: number;
  readonly scan: Scan<Result>;
  /**
   * True, or a sentence that says why: store nothing of this batch (protocols that refuse a batch
   * as a whole).
   */
  readonly refuses?: (result: Result) => boolean | string | undefined;
  /** Who sends, for those who look at refused rows; '' or undefined: nobody to name. */
  readonly peer?: string;
  /**
   * Called when the write is reported: what it refused is told, whatever is answered. `limit`: the
   * first one that refused a series of it.
   */
  readonly onReported?: (limit: LimitFacts | undefined) => void;
}

export interface WriteResult<Result extends ScanResult> {
  /** With points outside the principal's time range taken out and counted as errors. */
  readonly scan: Result;
  /** False where the batch id had been seen, or where the batch was refused or empty. */
  readonly applied: boolean;
  /** Points of the appended batch: 0 where `refuses` said so; without those that rules drop. */
  readonly pointCount: number;
  /** Set where limits of series refused all of it: what an answer that may be an error says. */
  readonly overLimit: AppError | undefined;
}

export interface WriteReport {
  readonly tenant: TenantId;
  readonly tokenId: string;
  readonly protocol: string;
  readonly rowCount: number;
  readonly pointCount: number;
  readonly errorCount: number;
  readonly sizeBytes: number;
  readonly peer: string;
  /** Points of series that the tenant's rules drop; in no other count. */
  readonly droppedCount: number;
  /** Refused rows by reason, and the first of them. */
  readonly refused: RefusedRows;
  readonly errors: readonly RowError[];
}

/** What is needed of a storage; one series may have several refs. */
export type IngestStorage = Omit<StorageWriter, 'delete'>;

export interface IngestLimits extends ProfileLimits {
  readonly inFlightBytesMax: number;
}

export const DEFAULT_INGEST_LIMITS: IngestLimits = {
  inFlightBytesMax: IN_FLIGHT_BYTES_MAX,
  dictionaryBounds: DEFAULT_DICTIONARY_BOUNDS,
  dictionariesBytesMax: DICTIONARIES_BYTES_MAX,
  labels: DEFAULT_LABEL_LIMITS,
};

export interface IngestDependencies {
  readonly storage: IngestStorage;
  readonly prng: Prng;
  /** Called once per finished write; must not throw. */
  readonly onWrite?: (report: WriteReport) => void;
  readonly limits?: IngestLimits;
  /** Default: one of its own. */
  readonly metadata?: Pick<MetadataFilter, 'filter' | 'forget'>;
  /** Default: no tenant has rules. */
  readonly relabel?: RelabelSource | undefined;
  /** Default: no tenant has limits but those of `limits`. */
  readonly quotas?: WriteQuotas | undefined;
  /** Told of each series that a limit refuses; what contributes most, in words. */
  readonly onSeriesRefused?: (refused: RefusedSeries) => string | undefined;
  /** Default: bodies are scanned in the order of their arrival. */
  readonly turns?: WriteTurns;
  /** Throws AppError where nothing of the tenant is stored any more; asked first and last. */
  readonly admit?: (tenant: TenantId) => void;
  /** Told of each series that was made for somebody. */
  readonly seriesWatch?: SeriesWatch;
}

/** What tenants and tokens may write. */
export interface WriteQuotas {
  gate(principal: Principal): WriteGate;
  /** Of the series that was refused last. */
  lastSeriesHit(tenant: TenantId): LimitHit | undefined;
}

export type WriteGate = Pick<
  Gate,
  'limits' | 'enterWrite' | 'leaveWrite' | 'takeSamples' | 'takeExemplars'
>;

interface Write<Result extends ScanResult> {
  readonly principal: Principal;
  readonly request: WriteRequest<Result>;
  readonly builder: BatchBuilder;
  readonly gate: WriteGate | undefined;
  readonly place: WriteTurn;
}

/** One try to scan and append. */
interface Attempt {
  readonly isDoubtful: boolean;
  readonly turns: ScanTurns | undefined;
  /** Between two of its scans: what the first of them began with. */
  paused: { readonly dictionary: ProfileDictionary; readonly since: number } | undefined;
}

interface Scanned<Result extends ScanResult> {
  readonly result: Result;
  readonly batch: WriteBatch;
  readonly droppedCount: number;
  readonly refused: RefusedRows;
  readonly limit: LimitFacts | undefined;
}

type SeriesResolver = AdmissionContext['storage'];

function watchedStorage(
  storage: SeriesResolver,
  watch: SeriesWatch,
  sender: () => SeriesSender,
): SeriesResolver {
  return {
    knows: (tenant, ref) => storage.knows(tenant, ref),
    splitOf: (tenant, name) => storage.splitOf(tenant, name),
    ...watchedResolver(storage, watch, sender),
  };
}

const NOTHING_REFUSED: RefusedRows = new Map();
const NOBODY = { protocol: '', peer: '', tokenId: '' };

export class Ingest {
  readonly #storage: IngestStorage;
  /** The same, and it tells of series that are made. */
  readonly #resolver: SeriesResolver;
  readonly #onWrite: ((report: WriteReport) => void) | undefined;
  readonly #limits: IngestLimits;
  readonly #profiles: WriteProfiles;
  readonly #builders: BatchBuilder[] = [];
  readonly #metadata: Pick<MetadataFilter, 'filter' | 'forget'>;
  readonly #quotas: WriteQuotas | undefined;
  readonly #onSeriesRefused: IngestDependencies['onSeriesRefused'];
  /** Whose rows are scanned now. */
  #sender: Omit<RefusedSeries, 'tenant' | 'labels' | 'count' | 'hit'> = NOBODY;
  readonly #turns: WriteTurns | undefined;
  readonly #admit: ((tenant: TenantId) => void) | undefined;
  readonly #inFlight: FairBytes;

  constructor(dependencies: IngestDependencies) {
    this.#storage = dependencies.storage;
    const { seriesWatch } = dependencies;
    this.#resolver =
      seriesWatch === undefined
        ? dependencies.storage
        : watchedStorage(dependencies.storage, seriesWatch, () => this.#sender);
    this.#onWrite = dependencies.onWrite;
    this.#limits = dependencies.limits ?? DEFAULT_INGEST_LIMITS;
    this.#metadata = dependencies.metadata ?? new MetadataFilter();
    this.#profiles = new WriteProfiles({
      storage: this.#resolver,
      prng: dependencies.prng,
      limits: this.#limits,
      relabel: dependencies.relabel,
      onSeriesRefused: (tenant, labels) => this.#seriesRefused(tenant, labels),
    });
    this.#quotas = dependencies.quotas;
    this.#onSeriesRefused = dependencies.onSeriesRefused;
    this.#turns = dependencies.turns;
    this.#admit = dependencies.admit;
    this.#inFlight = new FairBytes(this.#limits.inFlightBytesMax);
  }

  get inFlightBytes(): number {
    return this.#inFlight.heldBytes;
  }

  get dictionaryBytes(): number {
    return this.#profiles.sizeBytes;
  }

  /**
   * Scans and appends. Rejects with AppError: forbidden (no write permission), limited or tooLarge
   * (limits of the tenant or the token), unavailable (too much in flight, or what `append` says).
   * What the client sent wrong is in `scan.errors`, not thrown.
   */
  async write<Result extends ScanResult>(
    principal: Principal,
    request: WriteRequest<Result>,
  ): Promise<WriteResult<Result>> {
    if (!principal.permissions.has('write'))
      throw new AppError('forbidden', 'no-write-permission', 'this token may not write');
    const { sizeBytes } = request;
    const { tenant } = principal;
    this.#admit?.(tenant);
    const gate = this.#quotas?.gate(principal);
    gate?.enterWrite(sizeBytes);
    try {
      this.#admitBytes(tenant, sizeBytes);
      try {
        const weight = Math.max(1, gate?.limits.weight ?? 1);
        const place = { tenant, sizeBytes, weight };
        const turn = this.#turns?.enter(place);
        if (turn !== undefined) await turn;
        return await this.#withBuilder((builder) =>
          this.#scanAndAppend({ principal, request, builder, gate, place }),
        );
      } finally {
        this.#inFlight.give(tenant, sizeBytes);
      }
    } finally {
      gate?.leaveWrite(sizeBytes);
    }
  }

  /** Who has most in flight is refused first. */
  #admitBytes(tenant: TenantId, sizeBytes: number): void {
    const inFlight = this.#inFlight;
    // A body alone is always let in: its size is bounded by the frontend.
    if (inFlight.heldBytes === 0) return inFlight.take(tenant, sizeBytes);
    if (inFlight.tryTake(tenant, sizeBytes)) return;
    throw new AppError(
      'unavailable',
      'ingest-busy',
      `${inFlight.heldBytes} bytes are being written, the limit is ${inFlight.limitBytes}, and ` +
        `${inFlight.heldBy(tenant)} of them are of this tenant: try again`,
      { retryable: true, retryAfterSec: BUSY_RETRY_SEC },
    );
  }

  async #withBuilder<T>(use: (builder: BatchBuilder) => Promise<T>): Promise<T> {
    const builder = this.#builders.pop() ?? new BatchBuilder();
    try {
      return await use(builder);
    } finally {
      this.#recycle(builder);
    }
  }

  #recycle(builder: BatchBuilder): void {
    if (builder.pointCount > POOLED_BUILDER_POINTS_MAX) return;
    if (this.#builders.length >= POOLED_BUILDERS_MAX) return;
    builder.reset();
    this.#builders.push(builder);
  }

  async #scanAndAppend<Result extends ScanResult>(
    write: Write<Result>,
  ): Promise<WriteResult<Result>> {
    const { principal, request, builder, gate, place } = write;
    const isLarge = place.sizeBytes >= MANY_TURNS_BYTES_MIN;
    for (let tryCount = 1; ; tryCount++) {
      // Series may go between two turns, since nothing of them is stored yet: not in every try.
      const isInTurns = isLarge && tryCount <= TRIES_IN_TURNS_MAX;
      const turns = isInTurns ? this.#turns?.scanTurns() : undefined;
      const attempt = { isDoubtful: tryCount > 1, turns, paused: undefined };
      let scanned = this.#scan(write, attempt);
      while (scanned === undefined) {
        await this.#turns!.again(place);
        scanned = this.#scan(write, attempt);
      }
      try {
        return await this.#append(principal, request, scanned, gate);
      } catch (error) {
        if (!(error instanceof AppError && error.code === 'stale-ref')) throw error;
        if (tryCount === APPEND_TRIES_MAX) throw unsettled(error);
      }
      builder.reset();
    }
  }

  /** undefined: its turn is over, and it is to be called again in another one. */
  #scan<Result extends ScanResult>(
    { principal, request, builder, gate }: Write<Result>,
    attempt: Attempt,
  ): Scanned<Result> | undefined {
    const profile = this.#profiles.of(principal, request, gate?.limits);
    const { dictionary } = profile;
    const isBounded = principal.minTUs > -Infinity || principal.maxTUs < Infinity;
    const sink = isBounded ? new TimeRangeSink(builder, principal) : builder;
    const since = begin(dictionary, attempt);
    const { protocol, peer = '' } = request;
    this.#sender = { protocol, peer, tokenId: principal.tokenId };
    try {
      const result = request.scan(dictionary, sink);
      for (const split of dictionary.newSplits()) builder.split(split);
      const whole = builder.finish();
      const { batch: kept, droppedCount } = dictionary.hasDropped
        ? withoutDropped(whole)
        : { batch: whole, droppedCount: 0 };
      const batch = this.#metadata.filter(principal.tenant, kept);
      const scanned = { batch, droppedCount, limit: dictionary.firstLimit };
      if (!(sink instanceof TimeRangeSink))
        return { ...scanned, result, refused: refusedRows(result, dictionary) };
      const narrowed = sink.narrow(result);
      const refused = refusedRows(narrowed, dictionary, sink.refusedCount);
      return { ...scanned, result: narrowed, refused };
    } catch (error) {
      if (!(error instanceof TurnOver)) {
        // Rows are known whose splits or metadata nobody would send.
        const { splits, metadata } = builder.finish();
        if (dictionary.hasNewSplits || splits.length + metadata.length > 0) dictionary.clear();
        throw error;
      }
      builder.restart();
      dictionary.pause();
      attempt.paused = { dictionary, since };
      return undefined;
    } finally {
      dictionary.release();
      this.#profiles.measure(profile);
    }
  }

  async #append<Result extends ScanResult>(
    principal: Principal,
    request: WriteRequest<Result>,
    scanned: Scanned<Result>,
    gate: WriteGate | undefined,
  ): Promise<WriteResult<Result>> {
    const { result, batch, droppedCount } = scanned;
    const { protocol, durability, batchId } = request;
    const why = request.refuses?.(result) ?? false;
    const isRefused = why !== false;
    if (isRefused) this.#unsent(principal.tenant, batch);
    let applied = false;
    if (!isRefused && !isEmpty(batch)) {
      try {
        const options = { principal, durability, protocol, batchId };
        applied = await this.#store(batch, options, gate);
      } catch (error) {
        this.#unsent(principal.tenant, batch);
        throw error;
      }
    }
    const pointCount = isRefused ? 0 : result.pointCount - droppedCount;
    const { rowCount, errorCount } = result;
    request.onReported?.(scanned.limit);
    this.#onWrite?.({
      tenant: principal.tenant,
      tokenId: principal.tokenId,
      protocol,
      rowCount,
      pointCount,
      errorCount,
      sizeBytes: request.sizeBytes,
      peer: request.peer ?? '',
      droppedCount: isRefused ? 0 : droppedCount,
      ...(isRefused
        ? wholeRefusal(result, why)
        : { refused: scanned.refused, errors: result.errors }),
    });
    const overLimit =
      isRefused || !hasRows(batch) ? this.#overLimit(principal.tenant, scanned) : undefined;
    return { scan: result, applied, pointCount, overLimit };
  }

  #overLimit<Result extends ScanResult>(
    tenant: TenantId,
    { result: scan, refused, limit }: Scanned<Result>,
  ): AppError | undefined {
    if (scan.errorCount === 0) return undefined;
    const retryAfterSec = this.#quotas?.lastSeriesHit(tenant)?.retryAfterSec ?? SERIES_RETRY_SEC;
    return seriesOverLimit({ scan, refused, limit, retryAfterSec });
  }

  async #store(
    batch: WriteBatch,
    options: AppendOptions,
    gate: WriteGate | undefined,
  ): Promise<boolean> {
    this.#admit?.(options.principal.tenant);
    if (gate === undefined) return (await this.#storage.append(batch, options)).applied;
    const { exemplars } = batch;
    const kept =
      exemplars.length === 0 ? 0 : gate.takeExemplars(exemplars.length, options.protocol);
    const taken =
      kept === exemplars.length ? batch : { ...batch, exemplars: exemplars.slice(0, kept) };
    const samples = sampleCount(batch);
    gate.takeSamples(samples, options.protocol);
    let applied = false;
    try {
      applied = (await this.#storage.append(taken, options)).applied;
    } finally {
      if (!applied) gate.takeSamples(-samples, options.protocol);
    }
    return applied;
  }

  /** Splits and metadata of a batch that was not stored must be sent again. */
  #unsent(tenant: TenantId, batch: WriteBatch): void {
    if (batch.splits.length > 0 || batch.metadata.length > 0) this.forget(tenant);
  }

  /** Why, in words; undefined where it is not known here. */
  #seriesRefused(tenant: TenantId, labels: Labels): SeriesRefusal | undefined {
    const hit = this.#quotas?.lastSeriesHit(tenant);
    const refused = { ...this.#sender, tenant, labels, count: 1, hit };
    const most = this.#onSeriesRefused?.(refused);
    if (hit === undefined) return undefined;
    const told = most === undefined ? '' : `; ${most} contributes most`;
    const limit = limitFacts(hit, most === undefined ? [] : [most]);
    return { sentence: limitSentence(hit) + told, limit };
  }

  /** Forgets refs and metadata of a tenant; they are resolved again on next use. */
  forget(tenant: TenantId): void {
    this.#profiles.forget(tenant);
    this.#metadata.forget(tenant);
  }

  /** Forgets what rows mean under rules that the tenant, or all, have not any more. */
  forgetRules(tenant: TenantId | undefined): void {
    this.#profiles.forgetRules(tenant);
  }

  /** Forgets the refs of all tenants; not to be called from within a scan. */
  forgetRefs(): void {
    this.#profiles.forgetRefs();
  }
}

/** Begins a scan, or goes on with one that was cut short. */
function begin(dictionary: ProfileDictionary, attempt: Attempt): number {
  const { isDoubtful, turns: turn, paused } = attempt;
  attempt.paused = undefined;
  paused?.dictionary.resume();
  // Another dictionary, where that one went in the meantime, has seen nothing of it.
  const since = paused?.dictionary === dictionary ? paused.since : undefined;
  turn?.begin();
  return dictionary.begin({ isDoubtful, turn, since });
}

function refusedRows(
  result: ScanResult,
  dictionary: ProfileDictionary,
  outOfTime = 0,
): RefusedRows {
  if (result.errorCount === 0) return NOTHING_REFUSED;
  const { refusedRows: known } = dictionary;
  return refusedByReason(
    result,
    outOfTime === 0 ? known : new Map([['time-range', outOfTime], ...known]),
  );
}

/** All rows of a batch that its protocol refuses as a whole. */
function wholeRefusal(
  { rowCount, errorCount, errors }: ScanResult,
  why: boolean | string,
): Pick<WriteReport, 'refused' | 'errors'> {
  const count = Math.max(rowCount, errorCount, 1);
  const said = typeof why === 'string' ? [{ line: 0, column: -1, reason: why }] : [];
  return { refused: new Map([['malformed', count]]), errors: [...said, ...errors] };
}

function sampleCount({ points }: WriteBatch): number {
  let count = 0;
  for (const set of points) count += set.count;
  return count;
}

function unsettled(cause: AppError): AppError {
  return new AppError(
    'unavailable',
    'refs-unsettled',
    `series of this write became unknown ${APPEND_TRIES_MAX} times in a row: try again`,
    { retryAfterSec: BUSY_RETRY_SEC, cause },
  );
}
