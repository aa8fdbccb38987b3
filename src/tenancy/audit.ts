// Who changed what, when and from where: rows of the catalog. Those of tenants and tokens are
// written in the transaction of the change itself, so that there is neither a change without its
// row nor a row without its change. What other rooms do has its row before it is done, and where
// that fails a second one, which says so. Rows are only added; beyond a number the oldest goes, or
// one of a tenant that fills the log (audit-shares.ts).
// Deletes of points have a log of their own: who may delete only cannot push out what admins did.
// Secrets and their hashes are in no row. Rows are not kept in memory: a question reads them, the
// newest first. Of a full log it is known who has which.
import type { Catalog, CatalogEntry, CatalogTx } from '../catalog/catalog.ts';
import { prefixEnd } from '../catalog/catalog.ts';
import type { TenantId } from '../model/tenant.ts';
import { FatalError } from '../stdx/assert.ts';
import { AuditShares } from './audit-shares.ts';
import {
  AUDIT_ROWS_MAX,
  AUDIT_SCAN_ROWS_MAX,
  DELETE_ROWS_MAX,
  TENANCY_PAGE_ROWS,
} from './limits.ts';

const SEQ_DIGITS = 16;

/** Where the rows of each log are, and how many. */
const LOGS = {
  changes: { rows: 'tenancy/audit/', rowsMax: AUDIT_ROWS_MAX },
  deletes: { rows: 'tenancy/deletes/', rowsMax: DELETE_ROWS_MAX },
} as const;
export type AuditLogName = keyof typeof LOGS;
export const AUDIT_LOGS = Object.keys(LOGS) as readonly AuditLogName[];

/** Who asked for a change. */
export interface Actor {
  /** '' where no token was needed, and for the server itself. */
  readonly tokenId: string;
  readonly tokenName: string;
  /** Tenant that the token acted for. */
  readonly tenant: TenantId;
  /** Address of the client; '' for the server itself. */
  readonly peer: string;
}

/** The server, when it ends what a crash had cut short. */
export const SERVER_ACTOR: Actor = { tokenId: '', tokenName: 'server', tenant: '', peer: '' };

export const AUDIT_ACTIONS = [
  'tenant.create',
  'tenant.rename',
  'tenant.suspend',
  'tenant.resume',
  'tenant.limits',
  'tenant.change',
  'tenant.delete',
  'tenant.deleted',
  'token.create',
  'token.revoke',
  'retention.set',
  'rules.set',
  'points.delete',
  'snapshot.create',
  'snapshot.read',
  'snapshot.remove',
  'server.flush',
  'server.compact',
  'server.clean',
  'server.reload',
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/** What somebody does that is no change of a tenant's record or of a token. */
export interface Deed {
  readonly action: AuditAction;
  /** Whom it is about; default: the tenant of who does it. Empty: the whole server. */
  readonly tenants?: readonly TenantId[];
  /** Default: the name of that tenant. */
  readonly subject?: string;
  readonly before?: unknown;
  readonly after?: Readonly<Record<string, unknown>>;
}

/** What a change did. */
export interface AuditChange {
  readonly action: AuditAction;
  readonly by: Actor;
  /** Whose record or token it is. */
  readonly tenants: readonly TenantId[];
  /** Name of the tenant, or id of the token. */
  readonly subject: string;
  readonly before: unknown;
  readonly after: unknown;
}

export interface AuditRow extends AuditChange {
  /** 1, 2, 3 …; those that went are missing. */
  readonly seq: number;
  readonly tMs: number;
}

export interface AuditFilter {
  /** Rows about this tenant. */
  readonly tenant: TenantId | undefined;
  readonly action: AuditAction | undefined;
  /** Inclusive. */
  readonly startMs: number;
  readonly endMs: number;
  /** Rows before this number; Infinity: from the newest on. */
  readonly before: number;
  readonly limit: number;
}

export interface AuditAnswer {
  /** Newest first. */
  readonly rows: readonly AuditRow[];
  /** `before` of the question that goes on; undefined: there is nothing more. */
  readonly next: number | undefined;
}

export class AuditLog {
  readonly #catalog: Catalog;
  readonly #rows: string;
  readonly #rowsMax: number;
  #lastSeq: number;
  /** Since the log is full. */
  #shares: AuditShares | undefined = undefined;
  /** Goes with the row that is being written. */
  #victim: number | undefined = undefined;

  private constructor(catalog: Catalog, name: AuditLogName, lastSeq: number) {
    const { rows, rowsMax } = LOGS[name];
    this.#catalog = catalog;
    this.#rows = rows;
    this.#rowsMax = rowsMax;
    this.#lastSeq = lastSeq;
  }

  static async open(catalog: Catalog, name: AuditLogName): Promise<AuditLog> {
    const { rows } = LOGS[name];
    const { result } = await catalog.transact((tx) =>
      tx.range(rows, prefixEnd(rows), { limit: 1, reverse: true }),
    );
    const [newest] = result;
    return new AuditLog(catalog, name, newest === undefined ? 0 : auditRow(newest, rows).seq);
  }

  #key(seq: number): string {
    return auditKey(this.#rows, seq);
  }

  /** Before `next`. */
  async prepare(): Promise<void> {
    if (this.#shares !== undefined || this.#lastSeq < this.#rowsMax) return;
    const shares = new AuditShares(this.#rowsMax);
    for (let begin = this.#rows; ;) {
      const start = begin;
      const { result } = await this.#catalog.transact((tx) =>
        tx.range(start, prefixEnd(this.#rows), { limit: TENANCY_PAGE_ROWS }),
      );
      for (const entry of result) {
        const { by, seq } = auditRow(entry, this.#rows);
        shares.add(by.tenant, seq);
      }
      if (result.length < TENANCY_PAGE_ROWS) break;
      begin = `${result.at(-1)!.key}\u0000`;
    }
    this.#shares = shares;
  }

  /** The row of a change that is about to be written. One at a time. */
  next(change: AuditChange, tMs: number): AuditRow {
    return { seq: this.#lastSeq + 1, tMs, ...change };
  }

  /** Adds the row to the transaction of its change. */
  write(tx: CatalogTx, row: AuditRow): void {
    tx.set(this.#key(row.seq), new TextEncoder().encode(JSON.stringify(row)));
    this.#victim = this.#shares?.victim();
    if (this.#victim !== undefined) tx.remove(this.#key(this.#victim));
  }

  /** The transaction is committed. */
  written(row: AuditRow): void {
    this.#lastSeq = row.seq;
    if (this.#victim !== undefined) this.#shares?.remove(this.#victim);
    this.#shares?.add(row.by.tenant, row.seq);
    this.#victim = undefined;
  }

  /** Has the transaction of the row been committed? */
  async holds(row: AuditRow): Promise<boolean> {
    const { result } = await this.#catalog.transact((tx) => tx.get(this.#key(row.seq)));
    return result !== undefined;
  }

  /** Takes rows out that are about this tenant: what they say of its data goes with the data. */
  async forget(tenant: TenantId): Promise<void> {
    for (let before = this.#lastSeq + 1; ;) {
      const end = this.#key(before);
      const { result } = await this.#catalog.transact((tx) =>
        tx.range(this.#rows, end, { limit: TENANCY_PAGE_ROWS, reverse: true }),
      );
      const rows = result.map((entry) => auditRow(entry, this.#rows));
      const own = rows.filter(({ tenants }) => tenants.includes(tenant));
      if (own.length > 0)
        await this.#catalog.transact(async (tx) => {
          for (const { seq } of own) tx.remove(this.#key(seq));
        });
      if (rows.length < TENANCY_PAGE_ROWS) break;
      before = rows.at(-1)!.seq;
    }
    this.#shares = undefined;
  }

  async query(filter: AuditFilter): Promise<AuditAnswer> {
    const rows: AuditRow[] = [];
    let before = Math.min(filter.before, this.#lastSeq + 1);
    for (let scanned = 0; scanned < AUDIT_SCAN_ROWS_MAX;) {
      const limit = Math.min(TENANCY_PAGE_ROWS, AUDIT_SCAN_ROWS_MAX - scanned);
      const end = this.#key(before);
      const { result } = await this.#catalog.transact((tx) =>
        tx.range(this.#rows, end, { limit, reverse: true }),
      );
      for (const entry of result) {
        const row = auditRow(entry, this.#rows);
        before = row.seq;
        if (isWanted(row, filter)) rows.push(row);
        if (rows.length === filter.limit) return { rows, next: before > 1 ? before : undefined };
      }
      if (result.length < limit) return { rows, next: undefined };
      scanned += result.length;
    }
    return { rows, next: before };
  }
}

function isWanted(row: AuditRow, { tenant, action, startMs, endMs }: AuditFilter): boolean {
  if (row.tMs < startMs || row.tMs > endMs) return false;
  if (action !== undefined && row.action !== action) return false;
  return tenant === undefined || row.tenants.includes(tenant);
}

function auditKey(rows: string, seq: number): string {
  return rows + String(seq).padStart(SEQ_DIGITS, '0');
}

function auditRow({ key, value }: CatalogEntry, rows: string): AuditRow {
  try {
    const row = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(value)) as AuditRow;
    if (auditKey(rows, row.seq) === key) return row;
  } catch (cause) {
    throw new FatalError(`catalog row ${key} is not readable`, { cause });
  }
  throw new FatalError(`catalog row ${key} is none of the audit log`);
}
