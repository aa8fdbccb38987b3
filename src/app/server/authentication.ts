// Who is asking, as settings say it: the same in the thread of the shards and in those of ingest.
import { matcher } from '../../model/matcher.ts';
import type { Matcher } from '../../model/matcher.ts';
import type { Storage } from '../../model/storage.ts';
import type { TenantId } from '../../model/tenant.ts';
import type { Prng } from '../../stdx/prng.ts';
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
}

/** In the thread that has the store; sees to it that somebody can administer the server. */
export async function openAuthentication(
  parts: OpenParts,
  store: TenancyStore,
): Promise<Authenticator> {
  const { settings, storage } = parts;
  const common = { ...parts, lookup: store, known: storage.tenants() };
  if (settings.auth === 'open') return makeAuthenticator({ ...common, matchersOf: () => [] });
  const [{ parseMetricSelector }, { ensureAdminToken }] = await Promise.all([
    import('../../promql/parser.ts'),
    import('./admin-token.ts'),
  ]);
  await ensureAdminToken({ ...parts, data: settings.data, store });
  const matchersOf = (selector: string): readonly Matcher[] =>
    parseMetricSelector(selector).map(({ name, type, value }) => matcher(name, type, value));
  return makeAuthenticator({ ...common, matchersOf });
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
