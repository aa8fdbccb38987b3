// A listener over real sockets: who waits for whom, and what all connections may hold together.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { MetricsRegistry } from '../../telemetry/registry.ts';
import { testScheduler } from '../http/testing.ts';
import { LINE_BYTES_MAX } from './limits.ts';
import { lineMetrics } from './line-metrics.ts';
import { LineServer } from './line-server.ts';
import type { LineBounds } from './line-server.ts';
import type { LineRules } from './line-session.ts';
import { PLAIN_LINES } from './plain-lines.ts';

const PIECE = 'x'.repeat(999) + '\n';

/** A listener whose writes wait until they are let go. */
class SlowHouse {
  readonly taken = new Map<string, string>();
  readonly refusals: string[] = [];
  readonly server: LineServer;
  port = 0;
  #hold = Promise.withResolvers<void>();

  constructor(bounds: LineBounds, rules: LineRules = PLAIN_LINES) {
    const metrics = lineMetrics(new MetricsRegistry())('test');
    this.server = new LineServer({
      open: ({ peer }) => ({
        take: async (body, end) => {
          const text = Buffer.from(body.subarray(0, end)).toString('latin1');
          this.taken.set(peer, (this.taken.get(peer) ?? '') + text);
          await this.#hold.promise;
          return { text: '', isLast: false };
        },
        refuse: (reason) => void this.refusals.push(reason),
      }),
      scheduler: testScheduler,
      metrics,
      rules,
      bounds,
    });
  }

  async listen(): Promise<void> {
    this.port = (await this.server.listen({ host: '127.0.0.1', port: 0 })).port;
  }

  async connect(): Promise<{ socket: net.Socket; peer: string }> {
    const socket = net.connect(this.port, '127.0.0.1');
    await once(socket, 'connect');
    return { socket, peer: `127.0.0.1:${(socket.address() as net.AddressInfo).port}` };
  }

  letGo(): void {
    this.#hold.resolve();
  }

  async until(what: string, isSo: () => boolean): Promise<void> {
    for (let i = 0; i < 1000 && !isSo(); i++) await testScheduler.sleep(5);
    assert.ok(isSo(), what);
  }
}

test('a connection that waited for others only is read on when they are done', async () => {
  const house = new SlowHouse({ pending: 100_000, allPending: 5000, allLongLines: 1e6 });
  await house.listen();
  const [busy, quiet] = [await house.connect(), await house.connect()];
  // One body is being written, and more than all may hold waits behind it.
  busy.socket.write(PIECE);
  await house.until('a first body', () => house.taken.has(busy.peer));
  busy.socket.write(PIECE.repeat(20));
  await testScheduler.sleep(50);
  // Paused with nothing of its own that waits.
  quiet.socket.write('a\n');
  await house.until('a quiet body', () => house.taken.get(quiet.peer) === 'a\n');
  quiet.socket.write('b\n');
  await testScheduler.sleep(50);
  assert.equal(house.taken.get(quiet.peer), 'a\n');
  house.letGo();
  await house.until('what came then', () => house.taken.get(quiet.peer) === 'a\nb\n');
  await house.until('all of it', () => house.taken.get(busy.peer)?.length === 21_000);
  busy.socket.end();
  quiet.socket.end();
  await house.server.drain(1000);
});

test('unfinished long lines of all connections are bounded, others are not touched', async () => {
  const rules = { ...PLAIN_LINES, lineBytesMax: 8 * LINE_BYTES_MAX };
  const bounds = { pending: 1e6, allPending: 1e6, allLongLines: 4 * LINE_BYTES_MAX };
  const house = new SlowHouse(bounds, rules);
  await house.listen();
  house.letGo();
  const senders = await Promise.all([1, 2, 3].map(() => house.connect()));
  for (const { socket } of senders) socket.write('y'.repeat(3 * LINE_BYTES_MAX));
  await house.until('a refusal', () => house.refusals.length > 0);
  await testScheduler.sleep(50);
  // Each holds two of four beyond its own: one line of three has to go.
  assert.deepEqual(house.refusals, ['too much is held of unfinished lines of all connections']);
  for (const { socket } of senders) socket.end('z\nnext\n');
  const lengths = () =>
    [...house.taken.values()].map(({ length }) => length).toSorted((a, b) => b - a);
  const whole = 3 * LINE_BYTES_MAX + 'z\nnext\n'.length;
  const isAll = () => house.taken.size === 3 && lengths().join() === `${whole},${whole},5`;
  await house.until('what was not refused', isAll);
  await house.server.drain(1000);
});
