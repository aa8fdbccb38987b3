// An authenticator whose refusals are counted by reason and told to the log, once a second at most:
// whoever tries tokens as fast as a line carries them fills no disk and no queue. A secret is in
// neither; the id of a token, which is public, is.
import { AppError } from '../model/errors.ts';
import type { Needed, Principal, TenantId } from '../model/tenant.ts';
import type { Clock } from '../stdx/clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Counter, MetricsRegistry } from '../telemetry/registry.ts';
import type { Authenticator, Credentials } from './authenticator.ts';
import { REFUSAL_LOG_MS } from './limits.ts';
import { parseToken } from './token.ts';

export interface WatchedParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly registry: MetricsRegistry;
}

export class WatchedAuthenticator implements Authenticator {
  readonly #inner: Authenticator;
  readonly #parts: WatchedParts;
  readonly #counters = new Map<string, Counter>();
  readonly #count: (reason: string) => Counter;
  #loggedMs = -Infinity;
  #unloggedCount = 0;

  constructor(inner: Authenticator, parts: WatchedParts) {
    this.#inner = inner;
    this.#parts = parts;
    const refusals = parts.registry.counter({
      name: 'orrery_auth_refusals_total',
      help: 'Requests and lines that were refused for who sent them, by reason.',
      labelNames: ['reason'],
    });
    this.#count = (reason) => refusals.labels(reason);
  }

  authenticate(credentials: Credentials, needed: Needed): Principal {
    try {
      return this.#inner.authenticate(credentials, needed);
    } catch (error) {
      if (error instanceof AppError) this.#tell(error, credentials);
      throw error;
    }
  }

  admit(tenant: TenantId): void {
    this.#inner.admit(tenant);
  }

  #tell({ kind, code: reason }: AppError, { peer, token = '' }: Credentials): void {
    let counter = this.#counters.get(reason);
    if (counter === undefined) this.#counters.set(reason, (counter = this.#count(reason)));
    counter.add(1);
    if (kind !== 'unauthenticated' && kind !== 'forbidden') return;
    const nowMs = this.#parts.clock.monotonicMs();
    if (nowMs - this.#loggedMs < REFUSAL_LOG_MS) {
      this.#unloggedCount++;
      return;
    }
    const more = this.#unloggedCount;
    this.#loggedMs = nowMs;
    this.#unloggedCount = 0;
    const tokenId = parseToken(token)?.id;
    this.#parts.logger.warn('refused for who is asking', {
      reason,
      peer,
      ...(tokenId !== undefined && { tokenId }),
      ...(more > 0 && { more }),
    });
  }
}
