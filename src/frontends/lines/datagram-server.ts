// A UDP listener for protocols of lines: a datagram holds whole lines, the last one may lack its
// line break. There is no back pressure: what arrives while too much waits is dropped and counted.
import dgram from 'node:dgram';
import type { Socket } from 'node:dgram';
import type { Scheduler } from '../../stdx/scheduler.ts';
import { DATAGRAM_BYTES_MAX, DATAGRAM_SYSTEM_BYTES, DRAIN_QUIET_MS } from './limits.ts';
import { LineFeeder } from './line-feeder.ts';
import type { LineMetrics } from './line-metrics.ts';
import type { LineSession, OpenSession } from './line-session.ts';

const LF = 10;
const LINE_BREAK = Uint8Array.of(LF);

export interface DatagramServerOptions {
  readonly open: OpenSession;
  readonly metrics: LineMetrics;
  readonly scheduler: Scheduler;
}

export class DatagramServer {
  readonly #metrics: LineMetrics;
  readonly #scheduler: Scheduler;
  readonly #abort = new AbortController();
  readonly #session: LineSession;
  readonly #feeder: LineFeeder;
  #socket: Socket | undefined = undefined;

  constructor({ open, metrics, scheduler }: DatagramServerOptions) {
    this.#metrics = metrics;
    this.#scheduler = scheduler;
    this.#session = open('datagrams', this.#abort.signal);
    this.#feeder = new LineFeeder({
      take: async (body, end) => void (await this.#session.take(body, end)),
      // A datagram is shorter than a line may be.
      onTooLong: (start) => this.#session.refuse('the line is too long', start),
    });
  }

  /** Resolves when datagrams to the address arrive here. */
  listen(address: { readonly host: string; readonly port: number }): Promise<void> {
    const { host, port } = address;
    const type = host.includes(':') ? 'udp6' : 'udp4';
    const socket = dgram.createSocket({ type, recvBufferSize: DATAGRAM_SYSTEM_BYTES });
    this.#socket = socket;
    socket.on('message', (datagram) => this.#push(datagram));
    return new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.bind({ address: host, port, exclusive: true }, () => {
        socket.off('error', reject);
        // One datagram that could not be received says nothing about the next.
        socket.on('error', () => this.#metrics.droppedDatagrams.add(1));
        resolve();
      });
    });
  }

  #push(datagram: Buffer): void {
    this.#metrics.datagrams.add(1);
    if (datagram.length === 0) return;
    if (this.#feeder.heldBytes + datagram.length > DATAGRAM_BYTES_MAX)
      return this.#metrics.droppedDatagrams.add(1);
    const isWhole = datagram[datagram.length - 1] === LF;
    this.#feeder.push(datagram);
    if (!isWhole) this.#feeder.push(LINE_BREAK);
  }

  /** Receives what has arrived, writes it; gives up what waits after `graceMs`. */
  async drain(graceMs: number): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined) return;
    const cancel = this.#scheduler.after(graceMs, () => this.#abort.abort());
    await this.#scheduler.sleep(DRAIN_QUIET_MS);
    await new Promise<void>((resolve) => socket.close(() => resolve()));
    await this.#feeder.settled();
    cancel();
  }
}
