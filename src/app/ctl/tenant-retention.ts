// `orrery tenant retention`: how long a tenant's points are kept, shown and set.
import { duration, SettingError, size } from '../settings/kinds.ts';
import type { Kind } from '../settings/kinds.ts';
import { printJson, timeCell } from './admin-client.ts';
import type { AdminClient } from './admin-client.ts';
import { tableText } from './draw.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

interface RetentionWork {
  readonly client: AdminClient;
  readonly terminal: Terminal;
  readonly tenant: string;
  readonly isJson: boolean;
  readonly time: string | undefined;
  readonly bytes: string | undefined;
  /** Back to the server's limits. */
  readonly isDefault: boolean;
}

interface Limits {
  readonly timeMs: number | null;
  readonly sizeBytes: number | null;
}

interface Retention {
  /** null: the server's. */
  readonly own: Limits | null;
  readonly effective: Limits;
  /** Points below it are expired; null: none are. */
  readonly horizonUs: number | null;
}

const NO_LIMIT = 'none';

function limitOf(flag: string, text: string, kind: Kind<number>): number | null {
  if (text === NO_LIMIT) return null;
  try {
    const limit = kind.parse(text);
    if (limit > 0) return limit;
  } catch (error) {
    if (!(error instanceof SettingError)) throw error;
    throw new UsageError(`${flag} "${text}": ${error.message}, or ${NO_LIMIT}`, { cause: error });
  }
  throw new UsageError(`${flag} "${text}": expected more than 0, or ${NO_LIMIT}`);
}

async function asked(work: RetentionWork): Promise<Retention> {
  const { client, tenant, time, bytes, isDefault } = work;
  const path = ['tenants', tenant, 'retention'];
  if (isDefault) {
    if ((time ?? bytes) !== undefined)
      throw new UsageError('--default takes neither --time nor --bytes beside it');
    return await client.ask<Retention>('DELETE', path);
  }
  const change: Partial<Limits> = {
    ...(time === undefined ? {} : { timeMs: limitOf('--time', time, duration) }),
    ...(bytes === undefined ? {} : { sizeBytes: limitOf('--bytes', bytes, size) }),
  };
  const now = await client.ask<Retention>('GET', path);
  if (Object.keys(change).length === 0) return now;
  return await client.ask<Retention>('PUT', path, { ...now.effective, ...change });
}

/** Without options it is shown; what is not named stays as it holds. */
export async function retention(work: RetentionWork): Promise<void> {
  const { terminal, isJson, tenant } = work;
  const answer = await asked(work);
  if (isJson) return printJson(terminal, answer);
  const { own, effective, horizonUs } = answer;
  const { timeMs, sizeBytes } = effective;
  const rows = [
    ['tenant', tenant],
    ['limits of', own === null ? 'the server' : 'its own'],
    ['time', timeMs === null ? NO_LIMIT : duration.print(timeMs)],
    ['bytes', sizeBytes === null ? NO_LIMIT : size.print(sizeBytes)],
    [
      'expired before',
      timeCell(horizonUs === null ? null : new Date(horizonUs / 1000).toISOString()),
    ],
  ];
  terminal.out(tableText(rows, terminal.columns));
}
