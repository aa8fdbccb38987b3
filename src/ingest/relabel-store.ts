// Where the rules of tenants are kept: their text in the catalog (`relabel/TENANT`), compiled in
// memory. A change is durable, and in force in every thread, when it is answered; versions are
// those of the catalog and never come twice.
import type { Catalog, CatalogEntry } from '../catalog/catalog.ts';
import { prefixEnd } from '../catalog/catalog.ts';
import { AppError } from '../model/errors.ts';
import type { TenantId } from '../model/tenant.ts';
import type { Relabeller } from '../relabel/relabelling.ts';
import type { RelabelRule } from '../relabel/rule.ts';
import { errorMessage, FatalError } from '../stdx/assert.ts';
import type { RelabelSource } from './write-profiles.ts';
import { RELABEL_PAGE_ROWS, RELABEL_TENANTS_MAX } from './limits.ts';
import { DEFAULT_RULES_VERSION, RelabelTable } from './relabel-table.ts';
import type { TenantRules } from './relabel-table.ts';

/** A configuration that was read: its text and what it says. */
export interface RelabelConfig {
  readonly text: string;
  readonly rules: readonly RelabelRule[];
}

export interface TenantRelabelling extends RelabelConfig {
  readonly version: number;
  /** Whose they are: the tenant's own, the default for all, or there are none. */
  readonly source: 'tenant' | 'default' | 'none';
}

export interface RelabelStoreParts {
  readonly catalog: Catalog;
  /** For tenants without rules of their own, until `setDefault`. */
  readonly fallback: RelabelConfig | undefined;
  /** Resolves when every thread that writes has the tenant's rules. */
  readonly onChange: (changed: TenantRules) => Promise<void>;
}

const ROWS = 'relabel/';

interface Known {
  readonly version: number;
  /** undefined: removed at that version. */
  readonly config: RelabelConfig | undefined;
}

export class RelabelStore implements RelabelSource {
  readonly #parts: RelabelStoreParts;
  readonly #table: RelabelTable;
  readonly #known = new Map<TenantId, Known>();
  #fallback: Known;

  private constructor(parts: RelabelStoreParts) {
    this.#parts = parts;
    this.#table = new RelabelTable(parts.fallback?.rules);
    this.#fallback = { version: DEFAULT_RULES_VERSION, config: parts.fallback };
  }

  /** Throws FatalError where a stored configuration is none. */
  static async open(parts: RelabelStoreParts): Promise<RelabelStore> {
    const store = new RelabelStore(parts);
    for (const entry of await readRows(parts.catalog)) {
      const tenant = entry.key.slice(ROWS.length);
      store.#adopt(tenant, { version: entry.version, config: await storedConfig(entry) });
    }
    return store;
  }

  of(tenant: TenantId): Relabeller | undefined {
    return this.#table.of(tenant);
  }

  /** All tenants' own rules, and the default's, for a thread that begins. */
  all(): { readonly fallback: readonly RelabelRule[]; readonly tenants: readonly TenantRules[] } {
    const tenants = [...this.#known].map(([tenant, { version, config }]) => {
      return { tenant, version, rules: config?.rules };
    });
    return { fallback: this.#fallback.config?.rules ?? [], tenants };
  }

  /** Rules that are others than those that `all` gave before. */
  changedSince(before: readonly TenantRules[]): readonly TenantRules[] {
    const versions = new Map(before.map(({ tenant, version }) => [tenant, version]));
    return this.all().tenants.filter(({ tenant, version }) => versions.get(tenant) !== version);
  }

  get(tenant: TenantId): TenantRelabelling {
    const known = this.#known.get(tenant);
    if (known?.config !== undefined)
      return { ...known.config, version: known.version, source: 'tenant' };
    const { version, config } = this.#fallback;
    if (config !== undefined) return { ...config, version, source: 'default' };
    return { text: '', rules: [], version, source: 'none' };
  }

  async set(tenant: TenantId, config: RelabelConfig): Promise<TenantRelabelling> {
    const isNew = this.#known.get(tenant)?.config === undefined;
    if (isNew && this.#ownCount() >= RELABEL_TENANTS_MAX)
      throw new AppError(
        'limited',
        'relabel-tenants',
        `${RELABEL_TENANTS_MAX} tenants have rules of their own and "${tenant}" would be one more`,
        { retryable: false },
      );
    await this.#change(tenant, config);
    return this.get(tenant);
  }

  /** Of tenants without rules of their own, from when it resolves; only this process has them. */
  async setDefault(config: RelabelConfig): Promise<void> {
    if (config.text === this.#fallback.config?.text) return;
    const version = this.#fallback.version - 1;
    const { rules } = config;
    this.#fallback = { version, config };
    this.#table.set({ tenant: undefined, version, rules });
    await this.#parts.onChange({ tenant: undefined, version, rules });
  }

  #ownCount(): number {
    let count = 0;
    for (const { config } of this.#known.values()) if (config !== undefined) count++;
    return count;
  }

  /** Back to the default. */
  async remove(tenant: TenantId): Promise<TenantRelabelling> {
    if (this.#known.get(tenant)?.config !== undefined) await this.#change(tenant, undefined);
    return this.get(tenant);
  }

  /** The tenant is gone; its id is not given again, so no older change can come back. */
  async forget(tenant: TenantId): Promise<void> {
    await this.remove(tenant);
    this.#known.delete(tenant);
  }

  async #change(tenant: TenantId, config: RelabelConfig | undefined): Promise<void> {
    const { catalog, onChange } = this.#parts;
    const key = ROWS + tenant;
    let known: Known;
    try {
      const { version } = await catalog.transact(async (tx) => {
        if (config === undefined) tx.remove(key);
        else tx.set(key, new TextEncoder().encode(config.text));
      });
      known = { version, config };
    } catch (error) {
      if (!(error instanceof AppError && error.code === 'catalog-commit-unknown')) throw error;
      // It may have happened: what counts is what is there.
      const { result, version } = await catalog.transact((tx) => tx.get(key));
      const found = result && (await storedConfig(result));
      if (found?.text !== config?.text) throw error;
      known = { version: result?.version ?? version, config: found };
    }
    if (!this.#adopt(tenant, known)) return;
    await onChange({ tenant, version: known.version, rules: config?.rules });
  }

  /** False where a later change was adopted already. */
  #adopt(tenant: TenantId, known: Known): boolean {
    if ((this.#known.get(tenant)?.version ?? 0) >= known.version) return false;
    this.#known.set(tenant, known);
    this.#table.set({ tenant, version: known.version, rules: known.config?.rules });
    return true;
  }
}

async function readRows(catalog: Catalog): Promise<readonly CatalogEntry[]> {
  const rows: CatalogEntry[] = [];
  for (let begin = ROWS; ; begin = `${rows.at(-1)!.key}\u0000`) {
    const from = begin;
    const limit = RELABEL_PAGE_ROWS;
    const { result } = await catalog.transact((tx) => tx.range(from, prefixEnd(ROWS), { limit }));
    rows.push(...result);
    if (result.length < limit) return rows;
  }
}

/** The parser of YAML is loaded by those who have rules. */
export async function readRelabelConfig(text: string): Promise<RelabelConfig> {
  const { parseRelabelConfig } = await import('../relabel/parse.ts');
  return { text, rules: parseRelabelConfig(text) };
}

async function storedConfig({ key, value }: CatalogEntry): Promise<RelabelConfig> {
  try {
    return await readRelabelConfig(new TextDecoder('utf-8', { fatal: true }).decode(value));
  } catch (error) {
    throw new FatalError(`catalog row ${key} is not readable: ${errorMessage(error)}`, {
      cause: error,
    });
  }
}
