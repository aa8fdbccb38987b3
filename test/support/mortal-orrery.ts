// A server that dies by SIGKILL again and again and starts anew on the same addresses and data, as
// the clients of others see it. Its ports lie below those that the system gives to outgoing
// connections: a client that tries again while nobody listens must not be given the very port.
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { randomInt } from '../../src/stdx/prng.ts';
import type { Prng } from '../../src/stdx/prng.ts';
import { startOrrery } from '../apptest/harness.ts';
import type { RunningOrrery } from '../apptest/harness.ts';

const PORT_MIN = 20_000;
const PORT_SPAN = 12_000;
/** How long to wait for the address to be free again, and for a start on a machine under load. */
const START_ATTEMPTS = 3;
/** A kill falls into the flush before it, or within this time behind it. */
const FLUSH_MS = 100;

let nextPort = (process.pid * 37) % PORT_SPAN;

/** A free port that no outgoing connection is given. */
export async function lowPort(): Promise<number> {
  for (let tries = 0; tries < PORT_SPAN; tries++) {
    const port = PORT_MIN + (nextPort++ % PORT_SPAN);
    const server = createServer();
    const { promise, resolve } = Promise.withResolvers<boolean>();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => resolve(true));
    if (!(await promise)) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
  throw new Error(`no free port from ${PORT_MIN} to ${PORT_MIN + PORT_SPAN - 1}`);
}

/** When a life ended: just before the signal, when the process was gone, and the next was ready. */
interface Death {
  readonly fromMs: number;
  readonly toMs: number;
  readonly backMs: number;
}

/** How often and how long: bounds are inclusive. */
interface Lives {
  readonly kills: number;
  readonly upMs: readonly [number, number];
  readonly downMs: readonly [number, number];
}

export class MortalOrrery {
  readonly url: string;
  readonly port: number;
  readonly deaths: Death[] = [];
  readonly #folder: string;
  readonly #args: readonly string[];
  #server: RunningOrrery | undefined;

  private constructor(folder: string, port: number, args: readonly string[]) {
    this.#folder = folder;
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.#args = ['--no-collect', '--data', join(folder, 'data'), ...args];
  }

  /** With the listeners that the arguments ask for, on ports of `lowPort`. */
  static async start(args: readonly string[] = []): Promise<MortalOrrery> {
    const folder = await mkdtemp(join(tmpdir(), 'orrery-mortal-'));
    const mortal = new MortalOrrery(folder, await lowPort(), args);
    await mortal.#start();
    return mortal;
  }

  async #start(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        this.#server = await startOrrery([...this.#args, '--http', `127.0.0.1:${this.port}`]);
        return;
      } catch (error) {
        // The port may be held for a moment by the one that was killed.
        if (attempt === START_ATTEMPTS || !String(error).includes('EADDRINUSE')) throw error;
        await sleep(500);
      }
    }
  }

  /** Kills it, waits and starts it. */
  async #die(downMs: number): Promise<void> {
    const fromMs = Date.now();
    await this.#server?.kill();
    const toMs = Date.now();
    this.#server = undefined;
    await sleep(downMs);
    await this.#start();
    this.deaths.push({ fromMs, toMs, backMs: Date.now() });
  }

  /** Lives and dies so often, and lives in the end. */
  async dieOften(prng: Prng, { kills, upMs, downMs }: Lives): Promise<void> {
    const between = ([min, max]: readonly [number, number]): number =>
      min + randomInt(prng, max - min + 1);
    for (let i = 0; i < kills; i++) {
      await sleep(between(upMs));
      if (randomInt(prng, 2) === 0) await this.#beginFlush(randomInt(prng, FLUSH_MS));
      await this.#die(between(downMs));
    }
    await sleep(upMs[0]);
  }

  /**
   * What senders repeat then lies in a part, or in the half of one: a kill may fall into the flush.
   */
  async #beginFlush(waitMs: number): Promise<void> {
    fetch(`${this.url}/orrery/v1/admin/flush`, { method: 'POST' }).catch(() => undefined);
    await sleep(waitMs);
  }

  /**
   * Whether what was sent then, by a protocol without acknowledgements, may have been on its way
   * when the server died, where a line takes at most so long from the sender to the disk.
   */
  mayHaveLost(sentMs: number, onItsWayMs: number): boolean {
    return this.deaths.some(({ fromMs, toMs }) => sentMs >= fromMs - onItsWayMs && sentMs <= toMs);
  }

  /** Ends it for good and removes its data. */
  async end(): Promise<void> {
    await this.#server?.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
