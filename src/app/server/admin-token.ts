// The token that a server starts with: `DATA/admin-token`, readable by its owner alone. It is made
// where nobody could administer the server otherwise, kept as long as it is good for that, and
// never shown.
import { chmod, open, readFile, rename } from 'node:fs/promises';
import { DEFAULT_TENANT } from '../../model/tenant.ts';
import type { Permission } from '../../model/tenant.ts';
import { errorMessage, FatalError } from '../../stdx/assert.ts';
import type { Clock } from '../../stdx/clock.ts';
import type { Prng } from '../../stdx/prng.ts';
import type { Scheduler } from '../../stdx/scheduler.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { TokenRecord } from '../../tenancy/records.ts';
import { lastServerAdminUntilMs, serverAdminUntilMs } from '../../tenancy/server-admin.ts';
import type { TenancyStore } from '../../tenancy/tenancy-store.ts';
import { isSecretOf, mintToken, parseToken } from '../../tenancy/token.ts';

const FILE_NAME = 'admin-token';
const PERMISSIONS: readonly Permission[] = ['read', 'write', 'delete', 'rules', 'admin'];

/** How often tokens of admins are looked at, and how long before the last one's end it is told. */
const LOOK_MS = 3_600_000;
const WARN_MS = 7 * 24 * 3_600_000;

interface WatchParts {
  readonly scheduler: Scheduler;
}

export interface AdminTokenParts {
  /** The data folder. */
  readonly data: string;
  readonly store: TenancyStore;
  readonly clock: Clock;
  /** The system's source of randomness. */
  readonly prng: Prng;
  readonly logger: Logger;
}

/**
 * While the server runs: warns of the end of the last token that can administer it, and where there
 * is none any more, makes another one. What is given back ends it.
 */
export function watchAdminToken(parts: AdminTokenParts & WatchParts): () => void {
  const { store, clock, scheduler, logger } = parts;
  let cancel: (() => void) | undefined = undefined;
  const look = (): void => {
    const nowMs = clock.nowMs();
    const untilMs = lastServerAdminUntilMs(store, nowMs);
    if (untilMs === -Infinity)
      ensureAdminToken(parts).catch((error: unknown) => {
        logger.error('nobody can administer the server, and no token could be made', {
          error: errorMessage(error),
        });
      });
    else if (untilMs < nowMs + WARN_MS)
      logger.warn('the last token that can administer the server expires soon', {
        at: new Date(untilMs).toISOString(),
      });
    const leftMs = untilMs > nowMs ? untilMs - nowMs : LOOK_MS;
    cancel = scheduler.after(Math.min(LOOK_MS, leftMs), look);
  };
  look();
  return () => cancel?.();
}

export async function ensureAdminToken(parts: AdminTokenParts): Promise<void> {
  const { data, store, prng, logger } = parts;
  const path = `${data}/${FILE_NAME}`;
  if (await isGoodFile(path, parts)) return logger.info('the admin token is as it was', { path });
  if (lastServerAdminUntilMs(store, parts.clock.nowMs()) > -Infinity) return;
  const { id, token, hash } = mintToken(prng);
  // The file first: a token in the catalog that nobody holds would be taken for an admin's.
  await writePrivately(path, `${token}\n`);
  await store.createToken(
    {
      id,
      hash,
      name: 'first admin',
      scope: 'server',
      tenants: [DEFAULT_TENANT],
      permissions: PERMISSIONS,
      labels: {},
      matchers: [],
      application: '',
      limits: {},
    },
    { tokenId: '', tokenName: 'the start of the server', tenant: DEFAULT_TENANT, peer: '' },
  );
  logger.info('an admin token was written; move it to a safe place', { path, tokenId: id });
}

async function isGoodFile(path: string, parts: AdminTokenParts): Promise<boolean> {
  const parsed = parseToken((await textOf(path)).trim());
  const record = parsed && parts.store.token(parsed.id);
  return record !== undefined && isSecretOf(parsed!.secret, record.hash) && isAdmin(record, parts);
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw new FatalError(`cannot read ${path}: ${errorMessage(error)}`, { cause: error });
  }
}

function isAdmin(record: TokenRecord, { clock }: AdminTokenParts): boolean {
  return serverAdminUntilMs(record, clock.nowMs()) > -Infinity;
}

async function writePrivately(path: string, text: string): Promise<void> {
  const fresh = `${path}.new`;
  try {
    const file = await open(fresh, 'w', 0o600);
    try {
      // One that a killed start has left keeps its mode.
      await chmod(fresh, 0o600);
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(fresh, path);
  } catch (error) {
    throw new FatalError(`cannot write ${path}: ${errorMessage(error)}`, { cause: error });
  }
}
