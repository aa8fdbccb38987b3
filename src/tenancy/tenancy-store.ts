// Tenants and tokens: kept in the catalog, held whole in memory (docs/decisions/0053). The only one
// that writes `tenancy/tenant/`, `tenancy/token/`, `tenancy/removed/` and the audit log.
//
// Invariants. Memory is what the catalog says: a change is adopted when its transaction is
// committed, and where nobody knows whether it is, the next one asks before it does anything.
// Changes follow each other; every one has its row in the audit log, in the same transaction.
// Listeners hear of them in that order. An id of a tenant is the key of its data and names one
// tenant only, also after its removal.
import type { Catalog } from '../catalog/catalog.ts';
import { AppError } from '../model/errors.ts';
import { compareUtf8 } from '../model/labels.ts';
import { DEFAULT_TENANT, TENANT_ID_PATTERN } from '../model/tenant.ts';
import type { TenantId } from '../model/tenant.ts';
import type { Clock } from '../stdx/clock.ts';
import { AuditLog } from './audit.ts';
import type {
  Actor,
  AuditAction,
  AuditAnswer,
  AuditChange,
  AuditFilter,
  AuditLogName,
  AuditRow,
  Deed,
} from './audit.ts';
import {
  ADMIN_LEFT_MS,
  RECORDS_BYTES_MAX,
  RECORD_BYTES_MAX,
  REMOVED_IDS_KEPT,
  REVOKED_TOKENS_KEPT,
  TENANTS_MAX,
  TOKENS_MAX,
  TOKENS_PER_TENANT_MAX,
} from './limits.ts';
import type { Limits, TenancyChange, TenantRecord, TokenRecord } from './records.ts';
import { lastServerAdminUntilMs, serverAdminUntilMs } from './server-admin.ts';
import { putRow, readTenancyRows, recordBytes } from './tenancy-rows.ts';
import type { TenancyRow } from './tenancy-rows.ts';

export interface TenantDraft {
  readonly name: string;
  readonly limits: Limits;
}

/** What is left out stays. */
export interface TenantEdit {
  readonly name?: string | undefined;
  readonly state?: 'active' | 'suspended' | undefined;
  /** The limits of then made into those of now. */
  readonly limits?: ((before: Limits) => Limits) | undefined;
}

/** May the server be left without an admin? Default: not by somebody who needs a token. */
export interface Forced {
  readonly isForced?: boolean;
}

export type TokenDraft = Omit<TokenRecord, 'createdMs' | 'revokedMs'>;

/** Rows that change together, and what the audit log says of it. */
interface Change {
  readonly rows: readonly TenancyRow[];
  readonly audit: AuditChange;
  /** Default: 'changes'. */
  readonly log?: AuditLogName;
}

export class TenancyStore {
  readonly #catalog: Catalog;
  readonly #clock: Clock;
  readonly #logs: Readonly<Record<AuditLogName, AuditLog>>;
  readonly #tenants = new Map<TenantId, TenantRecord>();
  readonly #idByName = new Map<string, TenantId>();
  readonly #tokens = new Map<string, TokenRecord>();
  readonly #tokensOf = new Map<TenantId, Set<string>>();
  /** Since when, the first one first. */
  readonly #removedIds = new Map<TenantId, number>();
  readonly #listeners = new Set<(change: TenancyChange) => void>();
  /** Made by the first who asks after a change of names. */
  #sortedNames: readonly string[] | undefined = undefined;
  #sizeBytes = 0;
  #liveTokenCount = 0;
  #turn: Promise<unknown> = Promise.resolve();
  /** Sent to the catalog, which did not say what became of it. */
  #unsettled: { readonly change: Change; readonly row: AuditRow } | undefined = undefined;

  private constructor(
    catalog: Catalog,
    clock: Clock,
    logs: Readonly<Record<AuditLogName, AuditLog>>,
  ) {
    this.#catalog = catalog;
    this.#clock = clock;
    this.#logs = logs;
    // It is there without anybody's doing, and has no row before somebody changes it.
    this.#put({ kind: 'tenant', id: DEFAULT_TENANT, record: newTenant(DEFAULT_TENANT, {}, 0) });
  }

  /** Throws FatalError where a row is not readable. */
  static async open(parts: {
    readonly catalog: Catalog;
    readonly clock: Clock;
  }): Promise<TenancyStore> {
    const { catalog, clock } = parts;
    const changes = await AuditLog.open(catalog, 'changes');
    const deletes = await AuditLog.open(catalog, 'deletes');
    const store = new TenancyStore(catalog, clock, { changes, deletes });
    await readTenancyRows(catalog, (row) => store.#put(row));
    return store;
  }

  // -------------------------------------------------------------- reading

  tenant(id: TenantId): TenantRecord | undefined {
    return this.#tenants.get(id);
  }

  tenantByName(name: string): TenantRecord | undefined {
    const id = this.#idByName.get(name);
    return id === undefined ? undefined : this.#tenants.get(id);
  }

  get tenantCount(): number {
    return this.#tenants.size;
  }

  /** In no order. */
  tenants(): Iterable<TenantRecord> {
    return this.#tenants.values();
  }

  /** Those whose names come after `after`, by name. */
  tenantsByName(page: { readonly after: string; readonly limit: number }): TenantRecord[] {
    this.#sortedNames ??= [...this.#idByName.keys()].toSorted(compareUtf8);
    const names = this.#sortedNames;
    let [low, high] = [0, names.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareUtf8(names[middle]!, page.after) <= 0) low = middle + 1;
      else high = middle;
    }
    return names.slice(low, low + page.limit).map((name) => this.tenantByName(name)!);
  }

  /** Was the id that of a tenant that is no more? */
  /** Throws AppError forbidden where nothing of the tenant is stored any more. */
  checkStored(id: TenantId): void {
    const record = this.#tenants.get(id);
    if (record === undefined ? !this.isRemoved(id) : record.state !== 'deleting') return;
    throw new AppError('forbidden', 'tenant-removed', `the tenant "${id}" is removed`);
  }

  isRemoved(id: TenantId): boolean {
    return this.#removedIds.has(id);
  }

  token(id: string): TokenRecord | undefined {
    return this.#tokens.get(id);
  }

  /** Of all tenants, in no order. */
  tokens(): Iterable<TokenRecord> {
    return this.#tokens.values();
  }

  get tokenCount(): number {
    return this.#tokens.size;
  }

  /** Revoked ones too, in the order in which they were created. */
  *tokensOf(tenant: TenantId): Generator<TokenRecord, void, void> {
    for (const id of this.#tokensOf.get(tenant) ?? []) yield this.#tokens.get(id)!;
  }

  audit(filter: AuditFilter, log: AuditLogName = 'changes'): Promise<AuditAnswer> {
    return this.#logs[log].query(filter);
  }

  /** A row of what somebody is about to do elsewhere; resolves when it is there. */
  record(deed: Deed, by: Actor): Promise<void> {
    return this.#inTurn(async () => {
      const { action, tenants = [by.tenant], before = null, after = null } = deed;
      const [own = ''] = tenants;
      const subject = deed.subject ?? this.#tenants.get(own)?.name ?? own;
      const audit = { action, by, tenants, subject, before, after };
      const log = action === 'points.delete' ? 'deletes' : 'changes';
      await this.#commit({ rows: [], audit, log });
    });
  }

  /**
   * Called after each committed change, in order, before the one who asked for it hears of it. What
   * is given back ends it.
   */
  onChange(listener: (change: TenancyChange) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  // -------------------------------------------------------------- tenants

  /** Throws AppError conflict/tenant-exists, invalid/tenant-name or limited. */
  createTenant({ name, limits }: TenantDraft, by: Actor): Promise<TenantRecord> {
    return this.#inTurn(async () => {
      this.#checkNewName(name);
      this.#checkTenantCount();
      const record = newTenant(this.#freeId(name), limits, this.#clock.nowMs(), name);
      const audit = tenantAudit('tenant.create', { by, before: null, after: record });
      await this.#commit({ rows: [tenantRow(record)], audit });
      return record;
    });
  }

  /** The record of data that was written without one, under the id as its name. */
  adoptTenant(id: TenantId, by: Actor): Promise<TenantRecord> {
    return this.#inTurn(async () => {
      const known = this.#tenants.get(id);
      if (known !== undefined) return known;
      this.#checkNewName(id);
      this.#checkTenantCount();
      const record = newTenant(id, {}, this.#clock.nowMs());
      const audit = tenantAudit('tenant.create', { by, before: null, after: record });
      await this.#commit({ rows: [tenantRow(record)], audit });
      return record;
    });
  }

  /** Changes nothing and says nothing where nothing is different. */
  changeTenant(
    id: TenantId,
    edit: TenantEdit,
    by: Actor,
    forced: Forced = {},
  ): Promise<TenantRecord> {
    return this.#inTurn(async () => {
      const before = this.#existing(id);
      checkNotDeleting(before);
      if (edit.state === 'suspended' && before.state === 'active')
        this.#checkAdminLeft({ ...forced, by }, ({ tenants }) => tenants[0] === id);
      const { name = before.name, state = before.state } = edit;
      const limits = edit.limits?.(before.limits) ?? before.limits;
      const actions: AuditAction[] = [];
      if (name !== before.name) actions.push('tenant.rename');
      if (state !== before.state)
        actions.push(state === 'active' ? 'tenant.resume' : 'tenant.suspend');
      if (actions.length > 0) checkNotDefault(id);
      if (name !== before.name) this.#checkNewName(name);
      if (!sameLimits(limits, before.limits)) actions.push('tenant.limits');
      const [action] = actions;
      if (action === undefined) return before;
      const after = { ...before, name, state, limits };
      const what = actions.length === 1 ? action : 'tenant.change';
      const audit = tenantAudit(what, { by, before, after });
      await this.#commit({ rows: [tenantRow(after)], audit });
      return after;
    });
  }

  /** From now on nobody may use it; its data is still there. */
  beginRemoval(id: TenantId, by: Actor, forced: Forced = {}): Promise<TenantRecord> {
    return this.#inTurn(async () => {
      checkNotDefault(id);
      const before = this.#existing(id);
      if (before.state === 'deleting') return before;
      this.#checkAdminLeft({ ...forced, by }, ({ tenants }) => tenants[0] === id);
      const after: TenantRecord = { ...before, state: 'deleting' };
      const audit = tenantAudit('tenant.delete', { by, before, after });
      await this.#commit({ rows: [tenantRow(after)], audit });
      return after;
    });
  }

  /** Removes the record and its tokens; its data is gone already, which `proof` says. */
  endRemoval(id: TenantId, by: Actor, proof: unknown): Promise<void> {
    return this.#inTurn(async () => {
      const before = this.#existing(id);
      await this.#logs.deletes.forget(id);
      const rows: TenancyRow[] = [{ kind: 'tenant', id, record: undefined }];
      for (const token of this.tokensOf(id)) {
        const tenants = token.tenants.filter((one) => one !== id);
        const record = tenants.length === 0 ? undefined : { ...token, tenants };
        rows.push({ kind: 'token', id: token.id, record });
      }
      const [oldest] = this.#removedIds.keys();
      if (oldest !== undefined && this.#removedIds.size >= REMOVED_IDS_KEPT)
        rows.push({ kind: 'removed', id: oldest, removedMs: undefined });
      rows.push({ kind: 'removed', id, removedMs: this.#clock.nowMs() });
      const change = tenantAudit('tenant.deleted', { by, before, after: null });
      await this.#commit({ rows, audit: { ...change, after: proof } });
    });
  }

  /** What is told of deletes of its points says what these were. */
  forgetDeletes(id: TenantId): Promise<void> {
    return this.#inTurn(() => this.#logs.deletes.forget(id));
  }

  #existing(id: TenantId): TenantRecord {
    const record = this.#tenants.get(id);
    if (record !== undefined) return record;
    throw new AppError('notFound', 'no-such-tenant', `there is no tenant ${JSON.stringify(id)}`);
  }

  #checkNewName(name: string): void {
    if (!TENANT_ID_PATTERN.test(name)) throw badTenantName(name);
    if (!this.#idByName.has(name)) return;
    throw new AppError('conflict', 'tenant-exists', `there is a tenant "${name}" already`);
  }

  #checkTenantCount(): void {
    if (this.#tenants.size < TENANTS_MAX) return;
    throw tooMany('tenants', `there are ${TENANTS_MAX} tenants and this would be one more`);
  }

  /** The name, where no tenant has or had it as its id. */
  #freeId(name: string): TenantId {
    const isFree = (id: TenantId): boolean => !this.#tenants.has(id) && !this.#removedIds.has(id);
    if (isFree(name)) return name;
    // One of as many numbers as there are ids is free.
    for (let number = 2; ; number++) {
      const suffix = `.${number}`;
      const id = name.slice(0, 128 - suffix.length) + suffix;
      if (isFree(id)) return id;
    }
  }

  // -------------------------------------------------------------- tokens

  createToken(draft: TokenDraft, by: Actor): Promise<TokenRecord> {
    return this.#inTurn(async () => {
      for (const tenant of draft.tenants) {
        checkNotDeleting(this.#existing(tenant));
        this.#checkTokenCount(tenant);
      }
      if (this.#tokens.has(draft.id))
        throw new AppError('conflict', 'token-exists', `there is a token ${draft.id} already`);
      if (this.#liveTokenCount >= TOKENS_MAX)
        throw tooMany('tokens', `there are ${TOKENS_MAX} tokens and this would be one more`);
      const record: TokenRecord = { ...draft, createdMs: this.#clock.nowMs() };
      const row: TenancyRow = { kind: 'token', id: record.id, record };
      const audit = tokenAudit('token.create', { by, before: null, after: record });
      await this.#commit({ rows: [row], audit });
      return record;
    });
  }

  #checkTokenCount(tenant: TenantId): void {
    let count = 0;
    for (const { revokedMs } of this.tokensOf(tenant)) if (revokedMs === undefined) count++;
    if (count < TOKENS_PER_TENANT_MAX) return;
    const have = `the tenant has ${TOKENS_PER_TENANT_MAX} tokens and this would be one more`;
    throw tooMany('tenant-tokens', `${have}: revoke some`);
  }

  /** Of one that is revoked nothing changes. */
  revokeToken(id: string, by: Actor, forced: Forced = {}): Promise<TokenRecord> {
    return this.#inTurn(async () => {
      const before = this.#tokens.get(id);
      if (before === undefined)
        throw new AppError('notFound', 'no-such-token', `there is no token ${JSON.stringify(id)}`);
      if (before.revokedMs !== undefined) return before;
      this.#checkAdminLeft({ ...forced, by }, (token) => token.id === id);
      const after: TokenRecord = { ...before, revokedMs: this.#clock.nowMs() };
      const rows: TenancyRow[] = [{ kind: 'token', id, record: after }];
      const old = this.#oldestRevoked(before.tenants[0]!);
      if (old !== undefined) rows.push({ kind: 'token', id: old.id, record: undefined });
      const audit = tokenAudit('token.revoke', { by, before, after });
      await this.#commit({ rows, audit });
      return after;
    });
  }

  /**
   * Throws AppError conflict/last-server-admin where nobody could administer the server without
   * these tokens. In open mode everybody can.
   */
  #checkAdminLeft(
    { by, isForced = false }: Forced & { readonly by: Actor },
    isGone: (token: TokenRecord) => boolean,
  ): void {
    if (isForced || by.tokenId === '') return;
    const nowMs = this.#clock.nowMs();
    const isLost = [...this.#tokens.values()].some(
      (token) => isGone(token) && serverAdminUntilMs(token, nowMs) > nowMs,
    );
    if (!isLost || lastServerAdminUntilMs(this, nowMs, isGone) >= nowMs + ADMIN_LEFT_MS) return;
    throw new AppError(
      'conflict',
      'last-server-admin',
      'nobody could administer the server any more: no other token of scope "server" is valid ' +
        'now and in a day; create one first, or say force=1',
    );
  }

  /** Where there are so many that one more takes its place. */
  #oldestRevoked(tenant: TenantId): TokenRecord | undefined {
    const revoked = [...this.tokensOf(tenant)].filter(({ revokedMs }) => revokedMs !== undefined);
    return revoked.length < REVOKED_TOKENS_KEPT ? undefined : revoked[0];
  }

  // -------------------------------------------------------------- changing

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(async () => {
      await this.#settle();
      return task();
    });
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  async #commit(change: Change): Promise<void> {
    this.#checkSizes(change.rows);
    const log = this.#logs[change.log ?? 'changes'];
    await log.prepare();
    const row = log.next(change.audit, this.#clock.nowMs());
    try {
      await this.#catalog.transact(async (tx) => {
        for (const one of change.rows) putRow(tx, one);
        log.write(tx, row);
      });
    } catch (error) {
      if (!(error instanceof AppError && error.code === 'catalog-commit-unknown')) throw error;
      this.#unsettled = { change, row };
      if (!(await this.#settle())) throw error;
      return;
    }
    this.#adopt(change, row);
  }

  /** Learns what became of a change; true where it was committed. */
  async #settle(): Promise<boolean> {
    if (this.#unsettled === undefined) return false;
    const { change, row } = this.#unsettled;
    const isCommitted = await this.#logs[change.log ?? 'changes'].holds(row);
    this.#unsettled = undefined;
    if (isCommitted) this.#adopt(change, row);
    return isCommitted;
  }

  #adopt({ rows, log = 'changes' }: Change, row: AuditRow): void {
    this.#logs[log].written(row);
    for (const one of rows) this.#put(one);
    for (const one of rows)
      if (one.kind !== 'removed') for (const listener of this.#listeners) listener(one);
  }

  #put(row: TenancyRow): void {
    if (row.kind === 'tenant') this.#putTenant(row.id, row.record);
    else if (row.kind === 'token') this.#putToken(row.id, row.record);
    else if (row.removedMs === undefined) this.#removedIds.delete(row.id);
    else this.#removedIds.set(row.id, row.removedMs);
  }

  #putTenant(id: TenantId, record: TenantRecord | undefined): void {
    const before = this.#tenants.get(id);
    this.#sizeBytes += recordBytes(record) - recordBytes(before);
    if (before !== undefined && before.name !== record?.name) this.#idByName.delete(before.name);
    if (before?.name !== record?.name) this.#sortedNames = undefined;
    if (record === undefined) {
      this.#tenants.delete(id);
      return;
    }
    this.#tenants.set(id, record);
    this.#idByName.set(record.name, id);
  }

  #putToken(id: string, record: TokenRecord | undefined): void {
    const before = this.#tokens.get(id);
    this.#sizeBytes += recordBytes(record) - recordBytes(before);
    this.#liveTokenCount += liveCount(record) - liveCount(before);
    for (const tenant of before?.tenants ?? [])
      if (record?.tenants.includes(tenant) !== true) {
        const ids = this.#tokensOf.get(tenant)!;
        ids.delete(id);
        if (ids.size === 0) this.#tokensOf.delete(tenant);
      }
    if (record === undefined) {
      this.#tokens.delete(id);
      return;
    }
    this.#tokens.set(id, record);
    for (const tenant of record.tenants) {
      const ids = this.#tokensOf.get(tenant);
      if (ids === undefined) this.#tokensOf.set(tenant, new Set([id]));
      else ids.add(id);
    }
  }

  #checkSizes(rows: readonly TenancyRow[]): void {
    let sizeBytes = this.#sizeBytes;
    for (const row of rows) {
      if (row.kind === 'removed') continue;
      const { id } = row;
      const own = recordBytes(row.record);
      if (own > RECORD_BYTES_MAX)
        throw new AppError(
          'tooLarge',
          'record-too-large',
          `limits, labels and matchers take ${own} bytes, a record may have ${RECORD_BYTES_MAX}`,
        );
      const before = row.kind === 'tenant' ? this.#tenants.get(id) : this.#tokens.get(id);
      sizeBytes += own - recordBytes(before);
    }
    if (sizeBytes > RECORDS_BYTES_MAX && sizeBytes > this.#sizeBytes)
      throw tooMany('tenancy-bytes', `all tenants and tokens may take ${RECORDS_BYTES_MAX} bytes`);
  }
}

function newTenant(id: TenantId, limits: Limits, createdMs: number, name = id): TenantRecord {
  return { id, name, createdMs, state: 'active', limits };
}

function tenantRow(record: TenantRecord): TenancyRow {
  return { kind: 'tenant', id: record.id, record };
}

function liveCount(record: TokenRecord | undefined): number {
  return record !== undefined && record.revokedMs === undefined ? 1 : 0;
}

function sameLimits(a: Limits, b: Limits): boolean {
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && a[key] === b[key])
  );
}

interface Difference<T> {
  readonly by: Actor;
  readonly before: T | null;
  readonly after: T | null;
}

function tenantAudit(
  action: AuditAction,
  { by, before, after }: Difference<TenantRecord>,
): AuditChange {
  const { id, name } = (after ?? before)!;
  return { action, by, tenants: [id], subject: before?.name ?? name, before, after };
}

function tokenAudit(
  action: AuditAction,
  { by, before, after }: Difference<TokenRecord>,
): AuditChange {
  const { id, tenants } = (after ?? before)!;
  return {
    action,
    by,
    tenants,
    subject: id,
    before: withoutHash(before),
    after: withoutHash(after),
  };
}

function withoutHash(record: TokenRecord | null): Omit<TokenRecord, 'hash'> | null {
  if (record === null) return null;
  const { hash: _, ...rest } = record;
  return rest;
}

function checkNotDefault(id: TenantId): void {
  if (id !== DEFAULT_TENANT) return;
  const message = `the tenant "${DEFAULT_TENANT}" is neither renamed, suspended nor deleted`;
  throw new AppError('conflict', 'default-tenant', message);
}

function checkNotDeleting({ name, state }: TenantRecord): void {
  if (state !== 'deleting') return;
  throw new AppError('conflict', 'tenant-deleting', `the tenant "${name}" is being deleted`);
}

function badTenantName(name: string): AppError {
  return new AppError(
    'invalid',
    'tenant-name',
    `${JSON.stringify(name.slice(0, 200))} is no tenant's name: 1 to 128 characters of a-z, A-Z, ` +
      '0-9, "_", "-" and ".", not starting with "."',
  );
}

/** Nothing changes by waiting. */
function tooMany(code: string, message: string): AppError {
  return new AppError('limited', code, message, { retryable: false });
}
