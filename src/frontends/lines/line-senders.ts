// Who sends lines: the token in front of a line, else the one that the connection began with, else
// the one that the listener is bound to. It is asked anew for each write, so that a token that is
// revoked ends with the next one, also on connections that are open. Whoever shows tokens that are
// none waits for the pace of refusals (docs/decisions/0072), and so does what follows on his
// connection.
import type { Principal, TenantId } from '../../model/tenant.ts';
import { AppError } from '../../model/errors.ts';
import type { Clock } from '../../stdx/clock.ts';
import type { Authenticator } from '../../tenancy/authenticator.ts';
import type { RefusalPace } from '../http/refusal-pace.ts';
import { lineCount } from './write-lines.ts';
import type { LineDependencies, LineSource } from './write-lines.ts';
import type { TokenRun } from './line-tokens.ts';

export interface LineSenderDependencies extends LineDependencies {
  readonly clock: Clock;
  /** Of all connections of all listeners. */
  readonly pace: Pick<RefusalPace, 'waitMs'>;
  readonly authenticator: Authenticator;
  /** Of lines that bring no token; undefined: they have none. */
  readonly boundToken: () => string | undefined;
}

export class LineSenders {
  readonly #deps: LineSenderDependencies;
  readonly #source: LineSource;
  /** The first one of the connection. */
  #ownToken: string | undefined = undefined;
  /** What the tokens of these lines were refused for: one that is repeated is asked once. */
  readonly #refused = new Map<string | undefined, AppError>();

  constructor(deps: LineSenderDependencies, source: LineSource) {
    this.#deps = deps;
    this.#source = source;
  }

  /** Further lines begin: tokens are asked anew. */
  begin(): void {
    this.#refused.clear();
  }

  /** Names the sender of the connection; false where the token is none. */
  async introduce(token: string): Promise<boolean> {
    try {
      this.#authenticate(token);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      await this.#waitForTurn();
      return false;
    }
    this.#ownToken = token;
    return true;
  }

  #shown(token: string | undefined): string | undefined {
    return token ?? this.#ownToken ?? this.#deps.boundToken();
  }

  /** Throws AppError as an authenticator does. */
  find(token: string | undefined): Principal {
    const principal = this.#authenticate(this.#shown(token));
    if (token !== undefined && this.#source.isOne) this.#ownToken ??= token;
    return principal;
  }

  /** The principal; lines of one who is nobody are counted as lost, and told to no tenant. */
  async admit(run: TokenRun): Promise<Principal | AppError> {
    // A line without one means another one as soon as the connection has one of its own.
    const shown = this.#shown(run.token);
    const before = this.#refused.get(shown);
    const found = before ?? this.#tryFind(run.token);
    if (!(found instanceof AppError)) return found;
    this.#lose(run);
    if (before !== undefined) return before;
    this.#refused.set(shown, found);
    await this.#waitForTurn();
    return found;
  }

  /** Whose lines these are, which reached no parser; undefined: nobody's, and counted as lost. */
  tenantOf(run: TokenRun): TenantId | undefined {
    const principal = this.#tryFind(run.token);
    if (!(principal instanceof AppError)) return principal.tenant;
    this.#lose(run);
    return undefined;
  }

  #tryFind(token: string | undefined): Principal | AppError {
    try {
      return this.find(token);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      return error;
    }
  }

  #lose({ body, end }: TokenRun): void {
    this.#source.metrics.lost('not authenticated').add(Math.max(1, lineCount(body, end)));
  }

  /** Of a connection alone: datagrams of others would be dropped while one of nobody waits. */
  async #waitForTurn(): Promise<void> {
    const { isOne, signal } = this.#source;
    if (!isOne || signal.aborted) return;
    const { pace, clock, scheduler } = this.#deps;
    const waitMs = pace.waitMs(clock.monotonicMs());
    if (waitMs === 0) return;
    await scheduler.sleep(waitMs, signal).catch((error: unknown) => {
      // The server stops: nothing is worth waiting for.
      if (!signal.aborted) throw error;
    });
  }

  #authenticate(token: string | undefined): Principal {
    const { peer, isOne } = this.#source;
    // Nobody's word is taken for a tenant here: there is no place for a gateway's.
    const address = isOne ? peer.slice(0, peer.lastIndexOf(':')) : '';
    return this.#deps.authenticator.authenticate(
      { tenant: undefined, token, peer: address },
      'write',
    );
  }
}
