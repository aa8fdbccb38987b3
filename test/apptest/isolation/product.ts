// The product in this process behind a door whose principals a test chooses: what its routes do for
// them does not depend on how somebody became one.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realClock } from '../../../src/app/real/clock.ts';
import { realFiles } from '../../../src/app/real/files.ts';
import { loadKernels } from '../../../src/app/real/kernels.ts';
import { killProbe } from '../../../src/app/real/kill-probe.ts';
import { realPrng } from '../../../src/app/real/prng.ts';
import { realScheduler } from '../../../src/app/real/scheduler.ts';
import { openStorage } from '../../../src/app/server/open-storage.ts';
import { startOrrery } from '../../../src/app/server/orrery.ts';
import { doorRules } from '../../../src/app/server/door-rules.ts';
import { loadSettings } from '../../../src/app/settings/load.ts';
import { HttpServer } from '../../../src/frontends/http/server.ts';
import { AppError } from '../../../src/model/errors.ts';
import type { Principal } from '../../../src/model/tenant.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';
import { MetricsRegistry } from '../../../src/telemetry/registry.ts';
import { checkPermission } from '../../../src/tenancy/authenticator.ts';
import type { Authenticator } from '../../../src/tenancy/authenticator.ts';
import type { Asker } from './secrets.ts';
import { replyOf } from './walk.ts';

/** Principals by what a request bears. */
class GivenPrincipals implements Authenticator {
  readonly #byToken: ReadonlyMap<string, Principal>;

  constructor(principals: Readonly<Record<string, Principal>>) {
    this.#byToken = new Map(Object.entries(principals));
  }

  authenticate: Authenticator['authenticate'] = ({ token = '' }, permission) => {
    const principal = this.#byToken.get(token);
    if (principal === undefined)
      throw new AppError('unauthenticated', 'bad-token', 'the token is not known');
    checkPermission(principal, permission);
    return principal;
  };

  admit(): void {
    // Writes come here by one way only.
  }
}

export interface Product {
  readonly port: number;
  readonly as: (token: string) => Asker;
  stop(): Promise<void>;
}

export async function startProduct(
  principals: Readonly<Record<string, Principal>>,
  args: readonly string[] = [],
): Promise<Product> {
  const data = await mkdtemp(join(tmpdir(), 'orrery-product-'));
  const { settings } = await loadSettings({
    args: ['--data', data, '--http', '127.0.0.1:0', '--no-collect', ...args],
    env: {},
    readConfig: async () => undefined,
  });
  loadKernels();
  const registry = new MetricsRegistry();
  const onFatal = (error: unknown): void => {
    throw error;
  };
  const real = { files: realFiles, clock: realClock, scheduler: realScheduler, prng: realPrng };
  const common = { ...real, settings, logger: silentLogger, registry, onFatal };
  const test = { headSnapshotLogBytes: 0 };
  const opened = await openStorage({ ...common, probe: killProbe(undefined), test });
  const running = await startOrrery({
    ...common,
    ...opened,
    version: '0',
    webDirectory: data,
    tls: undefined,
    relabelConfig: undefined,
  });
  const door = new HttpServer({
    ...common,
    registry: new MetricsRegistry(),
    routes: running.routes,
    authenticator: new GivenPrincipals(principals),
    rules: doorRules(settings),
    isServerAdmin: ({ tokenId }) => tokenId === '',
  });
  const { port } = await door.listen({ host: '127.0.0.1', port: 0 });
  return {
    port,
    as:
      (token) =>
      async (method, path, init = {}) => {
        const headers = { ...(init.headers as Record<string, string>) };
        const all = { ...headers, Authorization: `Bearer ${token}` };
        const url = `http://127.0.0.1:${port}${path}`;
        return await replyOf(await fetch(url, { ...init, method, headers: all }));
      },
    async stop() {
      await door.drain(1000);
      await running.stop();
      await rm(data, { recursive: true, force: true });
    },
  };
}
