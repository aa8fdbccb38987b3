// Who is asking, as settings say it: the same in the thread of the shards and in those of ingest.
import { matcher } from '../../model/matcher.ts';
import type { Matcher } from '../../model/matcher.ts';
import type { Storage } from '../../model/storage.ts';
import type { TenantId } from '../../model/tenant.ts';
import type { Prng } from '../../stdx/prng.ts';
import type { Scheduler } from '../../stdx/scheduler.ts';
import { OpenAuthenticator } from '../../tenancy/authenticator.ts';
import type { Authenticator } from '../../tenancy/authenticator.ts';
import { HeaderAuthenticator } from '../../tenancy/header-authenticator.ts';
import type { TenancyStore } from '../../tenancy/tenancy-store.ts';
import type { TokenLookup } from '../../tenancy/tenant-lookup.ts';
import { TokenAuthenticator } from '../../tenancy/token-authenticator.ts';
import type { TokenAuthenticatorParts } from '../../tenancy/token-authenticator.ts';
import { WatchedAuthenticator } from '../../tenancy/watched-authenticator.ts';
import type { WatchedParts } from '../../tenancy/watched-authenticator.ts';
import type { Settings } from '../settings/flags.ts';
import { sourceMatcher } from '../settings/sources.ts';

interface OpenParts extends WatchedParts {
  readonly settings: Settings;
  readonly storage: Pick<Storage, 'tenants'>;
  readonly prng: Prng;
  readonly scheduler: Scheduler;
}

export interface OpenAuthentication {
  readonly authenticator: Authenticator;
  readonly stop: () => void;
}

/** In the thread that has the store; sees to it that somebody can administer the server. */
export async function openAuthentication(
  parts: OpenParts,
  store: TenancyStore,
): Promise<OpenAuthentication> {
  const { settings, storage } = parts;
  // The data of one that is being removed may be there still.
  const known = storage.tenants().filter((id) => !store.isRemoved(id));
  const common = { ...parts, lookup: store, known };
  if (settings.auth === 'open')
    return {
      authenticator: makeAuthenticator({ ...common, matchersOf: () => [] }),
      stop: () => undefined,
    };
  const [{ parseMetricSelector }, { ensureAdminToken, watchAdminToken }] = await Promise.all([
    import('../../promql/parser.ts'),
    import('./admin-token.ts'),
  ]);
  const admins = { ...parts, data: settings.data, store };
  await ensureAdminToken(admins);
  const matchersOf = (selector: string): readonly Matcher[] =>
    parseMetricSelector(selector).map(({ name, type, value }) => matcher(name, type, value));
  const authenticator = makeAuthenticator({ ...common, matchersOf });
  return { authenticator, stop: watchAdminToken(admins) };
}

interface AuthenticationParts extends WatchedParts {
  readonly settings: Pick<Settings, 'auth' | 'authTrustedFrom'>;
  readonly lookup: TokenLookup;
  /** Tenants that hold data already. */
  readonly known: readonly TenantId[];
  readonly matchersOf: TokenAuthenticatorParts['matchersOf'];
}

export function makeAuthenticator(parts: AuthenticationParts): Authenticator {
  return new WatchedAuthenticator(plainAuthenticator(parts), parts);
}

function plainAuthenticator(parts: AuthenticationParts): Authenticator {
  const { settings, lookup, known } = parts;
  if (settings.auth === 'open') return new OpenAuthenticator(known, lookup);
  const tokens = new TokenAuthenticator(parts);
  if (settings.auth === 'token') return tokens;
  const isTrusted = sourceMatcher(settings.authTrustedFrom);
  return new HeaderAuthenticator({ known, lookup, isTrusted, tokens });
}
