// Which row of a full audit log goes for the next one. In general the oldest; but the admins of one
// tenant, who could change something and change it back for as long as they like, push out nobody's
// rows but their own once these are a tenth of the log. The server's own admins are in its tenant.
import { DEFAULT_TENANT } from '../model/tenant.ts';
import type { TenantId } from '../model/tenant.ts';
import { AUDIT_SHARE_MAX } from './limits.ts';

export class AuditShares {
  readonly #rowsMax: number;
  /** By tenant of whoever did it the numbers of its rows, ascending. */
  readonly #seqs = new Map<TenantId, number[]>();
  #count = 0;

  constructor(rowsMax: number) {
    this.#rowsMax = rowsMax;
  }

  add(tenant: TenantId, seq: number): void {
    const own = this.#seqs.get(tenant);
    if (own === undefined) this.#seqs.set(tenant, [seq]);
    else own.push(seq);
    this.#count++;
  }

  /** The number of the row that goes; undefined: there is room for one more. */
  victim(): number | undefined {
    if (this.#count < this.#rowsMax) return undefined;
    let most = Math.floor(this.#rowsMax * AUDIT_SHARE_MAX);
    let heaviest: number | undefined;
    let oldest = Infinity;
    for (const [tenant, seqs] of this.#seqs) {
      oldest = Math.min(oldest, seqs[0]!);
      if (seqs.length <= most || tenant === DEFAULT_TENANT) continue;
      [most, heaviest] = [seqs.length, seqs[0]];
    }
    return heaviest ?? oldest;
  }

  /** That one is gone. */
  remove(seq: number): void {
    for (const [tenant, seqs] of this.#seqs) {
      if (seqs[0] !== seq) continue;
      seqs.shift();
      this.#count--;
      if (seqs.length === 0) this.#seqs.delete(tenant);
      return;
    }
  }
}
