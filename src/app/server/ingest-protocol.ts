// What the thread of the shards and a thread of ingest say to each other. Writes and their answers
// are those of tsdb/crossing.ts; a connection is a port for app/real/port-stream.ts.
import type { AddressInfo } from 'node:net';
import type { MessagePort } from 'node:worker_threads';
import type { TlsKeys } from '../../frontends/http/server.ts';
import type { IngestLimits } from '../../ingest/ingest.ts';
import type { Refused } from '../../ingest/refused-lines.ts';
import type { TenantRules } from '../../ingest/relabel-table.ts';
import type { SeriesSender } from '../../model/series-watch.ts';
import type { TenantId } from '../../model/tenant.ts';
import type { RelabelRule } from '../../relabel/rule.ts';
import type { TenancyChange } from '../../tenancy/records.ts';
import type { TenancyRecords } from '../../tenancy/tenant-lookup.ts';
import type { LogFields, LogLevel } from '../../telemetry/logger.ts';
import type { Offence, RefusedSeries } from '../../tenancy/breaches.ts';
import type { TenantLimits } from '../../tenancy/limit-book.ts';
import type { UsageKey } from '../../tenancy/usage-rows.ts';
import type { ClosedAccount, LimitHit } from '../../tenancy/quotas.ts';
import type { AppendAnswer, SentMessage } from '../../tsdb/crossing.ts';
import type { Settings } from '../settings/flags.ts';

/** Places in `uses`, which the thread keeps and the other one reads: numbers of KiB. */
export const USES = { dictionaries: 0, bodies: 1 } as const;

export interface IngestSetup {
  /** Shared memory of this thread. */
  readonly uses: Int32Array<SharedArrayBuffer>;
  readonly threadCount: number;
  readonly shardCount: number;
  readonly settings: Settings;
  /** undefined: HTTP without TLS. */
  readonly keys: TlsKeys | undefined;
  /** Of all threads together. */
  readonly limits: IngestLimits;
  /** Where all threads listen. */
  readonly address: { readonly host: string; readonly port: number };
  /** Tenants that hold data. */
  readonly tenants: readonly TenantId[];
  /** Tenants and tokens when the thread starts. */
  readonly tenancy: TenancyRecords;
  readonly relabelling: {
    readonly fallback: readonly RelabelRule[];
    readonly tenants: readonly TenantRules[];
  };
}

/** Limits that are other ones now, and what the thread of the shards found to be over. */
export type LimitTold =
  | { readonly kind: 'records'; readonly limits: TenantLimits }
  | { readonly kind: 'writes'; readonly account: ClosedAccount }
  | { readonly kind: 'series'; readonly hit: LimitHit };

/** What a thread refused because of a limit. */
export type BreachTold =
  | { readonly kind: 'series'; readonly refused: RefusedSeries }
  | { readonly kind: 'request'; readonly hit: LimitHit; readonly offence: Offence }
  | {
      readonly kind: 'left-out';
      readonly hit: LimitHit;
      readonly sender: SeriesSender | undefined;
    };

/** Writes that ended. */
export interface CountedRequests extends UsageKey {
  readonly count: number;
}

export type ToIngest =
  | { readonly kind: 'limit'; readonly told: LimitTold }
  | { readonly kind: 'answers'; readonly answers: readonly AppendAnswer[] }
  /** For connections from now on. */
  | { readonly kind: 'keys'; readonly keys: TlsKeys }
  /** Asks for `relabelled`. */
  | { readonly kind: 'relabel'; readonly rules: TenantRules }
  /** In the order in which they were made. */
  | { readonly kind: 'tenancy'; readonly change: TenancyChange }
  /** Asks for a `page`. */
  | { readonly kind: 'metrics' }
  /** Asks for `drained`, after so long at the latest. */
  | { readonly kind: 'drain'; readonly graceMs: number };

export type FromIngest =
  | { readonly kind: 'listening'; readonly address: AddressInfo }
  | { readonly kind: 'unable'; readonly code: string; readonly message: string }
  | { readonly kind: 'sent'; readonly message: SentMessage }
  /** `peer`: address of the client it is for. */
  | { readonly kind: 'connection'; readonly port: MessagePort; readonly peer: string }
  | { readonly kind: 'refused'; readonly refused: Refused }
  | { readonly kind: 'breach'; readonly breach: BreachTold }
  | { readonly kind: 'requests'; readonly requests: readonly CountedRequests[] }
  /** In the order in which they were asked for: the rules are in force. */
  | { readonly kind: 'relabelled' }
  | {
      readonly kind: 'log';
      readonly level: LogLevel;
      readonly message: string;
      readonly fields: LogFields;
    }
  /** In the order in which they were asked for. */
  | { readonly kind: 'page'; readonly text: string }
  | { readonly kind: 'drained' };
