// Who sends lines: the token in front of a line, else the one that the connection began with, else
// the one that the listener is bound to. It is asked anew for each write, so that a token that is
// revoked ends with the next one, also on connections that are open.
import type { Principal, TenantId } from '../../model/tenant.ts';
import { AppError } from '../../model/errors.ts';
import type { Authenticator } from '../../tenancy/authenticator.ts';
import { lineCount } from './write-lines.ts';
import type { LineDependencies, LineSource } from './write-lines.ts';
import type { TokenRun } from './line-tokens.ts';

export interface LineSenderDependencies extends LineDependencies {
  readonly authenticator: Authenticator;
  /** Of lines that bring no token; undefined: they have none. */
  readonly boundToken: () => string | undefined;
}

export class LineSenders {
  readonly #deps: LineSenderDependencies;
  readonly #source: LineSource;
  /** The first one of the connection. */
  #ownToken: string | undefined = undefined;

  constructor(deps: LineSenderDependencies, source: LineSource) {
    this.#deps = deps;
    this.#source = source;
  }

  /** Names the sender of the connection. Throws AppError as an authenticator does. */
  introduce(token: string): void {
    this.#authenticate(token);
    this.#ownToken = token;
  }

  /** Throws AppError as an authenticator does. */
  find(token: string | undefined): Principal {
    const principal = this.#authenticate(token ?? this.#ownToken ?? this.#deps.boundToken());
    if (token !== undefined && this.#source.isOne) this.#ownToken ??= token;
    return principal;
  }

  /** The principal; lines of one who is nobody are counted as lost, and told to no tenant. */
  admit({ token, body, end }: TokenRun): Principal | AppError {
    try {
      return this.find(token);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      const count = Math.max(1, lineCount(body, end));
      this.#source.metrics.lost('not authenticated').add(count);
      return error;
    }
  }

  /** Whose lines these are, which reached no parser; undefined: nobody's, and counted as lost. */
  tenantOf(run: TokenRun): TenantId | undefined {
    const principal = this.admit(run);
    return principal instanceof AppError ? undefined : principal.tenant;
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
