// What tests of frontends share: a door on a free loopback port with real sockets and real timers,
// and a raw client for requests that no well-behaved client would send.
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../stdx/clock.ts';
import type { Scheduler } from '../../stdx/scheduler.ts';
import { silentLogger } from '../../telemetry/logger.ts';
import { MetricsRegistry } from '../../telemetry/registry.ts';
import { OpenAuthenticator } from '../../tenancy/authenticator.ts';
import type { GuardRules } from './guard.ts';
import type { Route } from './route.ts';
import { HttpServer } from './server.ts';
import type { HttpServerOptions, Patience } from './server.ts';

const testClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};

export const testScheduler: Scheduler = {
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs);
    return () => clearTimeout(timer);
  },
  sleep: (delayMs, signal) => sleep(delayMs, undefined, signal === undefined ? {} : { signal }),
  yieldTurn: () => new Promise((resolve) => setImmediate(resolve)),
};

export interface TestDoor {
  readonly url: string;
  readonly port: number;
  readonly registry: MetricsRegistry;
  close(): Promise<void>;
}

export async function openDoor(
  routes: readonly Route[],
  rules: Partial<GuardRules> = {},
  patience?: Patience,
  who: Partial<Pick<HttpServerOptions, 'authenticator' | 'isServerAdmin'>> = {},
): Promise<TestDoor> {
  const registry = new MetricsRegistry();
  const server = new HttpServer({
    routes,
    authenticator: new OpenAuthenticator([]),
    ...who,
    rules: { loopbackOnly: true, allowedHosts: [], corsOrigins: [], ...rules },
    logger: silentLogger,
    registry,
    clock: testClock,
    scheduler: testScheduler,
    ...(patience === undefined ? {} : { patience }),
    onFatal: (error) => {
      throw error;
    },
  });
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  const close = () => server.drain(500);
  return { url: `http://127.0.0.1:${port}`, port, registry, close };
}

/** Sends `parts` as they are, one write each, and resolves to all that came back. */
export function rawRequest(
  port: number,
  parts: readonly (string | Uint8Array)[],
  options: { readonly until?: string } = {},
): Promise<string> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    let text = '';
    const done = () => {
      socket.destroy();
      resolve(text);
    };
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (options.until !== undefined && text.includes(options.until)) done();
    });
    socket.on('end', done);
    socket.on('error', done);
    socket.on('close', done);
    for (const part of parts) socket.write(part);
  });
}
