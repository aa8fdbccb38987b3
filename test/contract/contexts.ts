// Contexts for tests that call a storage: an unlimited budget, a signal that never aborts, a pin
// that lives as long as the callback.
import type {
  AppendOptions,
  ByteBudget,
  ReadContext,
  StorageReader,
} from '../../src/model/storage.ts';
import { DEFAULT_TENANT, openPrincipal } from '../../src/model/tenant.ts';
import type { Principal } from '../../src/model/tenant.ts';

export const unlimitedBudget: ByteBudget = { take: () => undefined, give: () => undefined };

/** Calls `read` with a context whose pin is released afterwards. */
export async function withContext<T>(
  reader: StorageReader,
  read: (context: ReadContext) => Promise<T>,
  principal: Principal = openPrincipal(DEFAULT_TENANT),
): Promise<T> {
  const pin = reader.pin();
  try {
    const { signal } = new AbortController();
    return await read({ principal, pin, signal, budget: unlimitedBudget });
  } finally {
    pin.release();
  }
}

/** Options of a durable write of an unrestricted principal. */
export function appendOptions(changes: Partial<AppendOptions> = {}): AppendOptions {
  return {
    principal: openPrincipal(DEFAULT_TENANT),
    durability: 'sync',
    protocol: 'test',
    batchId: undefined,
    ...changes,
  };
}
