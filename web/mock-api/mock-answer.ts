/** What an answer of the mock is made of, and what decides it. */

import type { MockTenancy } from './mock-tenancy.ts';

/** What the store holds: host metrics, only what a client wrote, or nothing. */
export type MockStore = 'host' | 'written' | 'empty';

export interface MockState {
  store: MockStore;
  /** Time of the first sample in seconds; queries before it find nothing. */
  bornSec: number;
  /** The server estimates, explains and names its queries. */
  hasGuards: boolean;
  /** Ids that were cancelled through the API. */
  readonly cancelled: string[];
  /** Rows that were refused. */
  refusedCount: number;
  hasBreaches: boolean;
  /** Of the tenant; undefined: it has none. */
  rules: string | undefined;
  tenancy: MockTenancy;
  /** Only `Bearer orr_good` is answered. */
  wantsToken: boolean;
  /** Whoever asks has a token of the tenant `shop`, not of the server. */
  isOwnToken: boolean;
}

export interface MockRequest {
  readonly method: string;
  readonly path: string;
  readonly params: URLSearchParams;
  readonly body: string;
  /** Presented as bearer; '': none. */
  readonly token: string;
}

export interface MockAnswer {
  readonly status: number;
  readonly body: unknown;
  /** The answer is held back this long, unless the client goes away. */
  readonly delayMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

export function failed(status: number, errorType: string, error: string): MockAnswer {
  return { status, body: { status: 'error', errorType, error } };
}
