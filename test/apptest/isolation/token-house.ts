// A server with `--auth token` whose tenants and tokens a test makes as its admin.
import { readFile } from 'node:fs/promises';
import { startOrrery } from '../harness.ts';
import type { RunningOrrery } from '../harness.ts';
import type { Asker } from './secrets.ts';
import { replyOf } from './walk.ts';

export const ALL = ['read', 'write', 'delete', 'rules', 'admin'];

export interface MadeToken {
  readonly id: string;
  readonly token: string;
  readonly ask: Asker;
}

export class TokenHouse {
  readonly orrery: RunningOrrery;
  /** With the token of the first start. */
  readonly server: Asker;

  private constructor(orrery: RunningOrrery, admin: string) {
    this.orrery = orrery;
    this.server = this.as(admin);
  }

  static async start(args: readonly string[] = []): Promise<TokenHouse> {
    const orrery = await startOrrery(['--auth', 'token', '--no-collect', ...args]);
    const admin = await readFile(`${orrery.data}/admin-token`, 'utf8');
    return new TokenHouse(orrery, admin.trim());
  }

  as(token: string): Asker {
    return async (method, path, init = {}) => {
      const headers = { Authorization: `Bearer ${token}`, ...(init.headers as object) };
      return await replyOf(await fetch(this.orrery.url + path, { ...init, method, headers }));
    };
  }

  async tenant(name: string): Promise<void> {
    await this.#made('/orrery/v1/tenants', { name });
  }

  /** With every permission, where the draft says nothing else. */
  async token(tenant: string, draft: object = {}): Promise<MadeToken> {
    const path = `/orrery/v1/tenants/${tenant}/tokens`;
    const made = await this.#made(path, { name: 't', permissions: ALL, ...draft });
    const { id, token } = JSON.parse(made) as { id: string; token: string };
    return { id, token, ask: this.as(token) };
  }

  async #made(path: string, draft: object): Promise<string> {
    const { status, text } = await this.server('POST', path, { body: JSON.stringify(draft) });
    if (status !== 201) throw new Error(`${path}: ${status} ${text}`);
    return text;
  }

  stop(): Promise<unknown> {
    return this.orrery.stop();
  }
}
