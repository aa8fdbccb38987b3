// A UDP listener for protocols of lines: a datagram holds whole lines, the last one may lack its
// line break. There is no back pressure: what arrives while too much waits is dropped and counted.
import dgram from 'node:dgram';
import type { Socket } from 'node:dgram';
import type { AddressInfo } from 'node:net';
import type { Scheduler } from '../../stdx/scheduler.ts';
import { DATAGRAM_BYTES_MAX, DATAGRAM_SYSTEM_BYTES, DRAIN_QUIET_MS } from './limits.ts';
import { LineFeeder } from './line-feeder.ts';
import type { LineMetrics } from './line-metrics.ts';
import type { LineRules, LineSession, OpenSession } from './line-session.ts';
import { PLAIN_LINES } from './plain-lines.ts';

const LF = 10;
const LINE_BREAK = Uint8Array.of(LF);

export interface DatagramServerOptions {
  readonly open: OpenSession;
  readonly metrics: LineMetrics;
  readonly scheduler: Scheduler;
  /** Default: PLAIN_LINES. A datagram is shorter than a line may be. */
  readonly rules?: LineRules;
}

export class DatagramServer {
  readonly #metrics: LineMetrics;
  readonly #scheduler: Scheduler;
  readonly #abort = new AbortController();
  readonly #session: LineSession;
  readonly #feeder: LineFeeder;
  #socket: Socket | undefined = undefined;

  constructor({ open, metrics, scheduler, rules = PLAIN_LINES }: DatagramServerOptions) {
    this.#metrics = metrics;
    this.#scheduler = scheduler;
    this.#session = open({ peer: 'datagrams', isOne: false }, this.#abort.signal);
    this.#feeder = new LineFeeder({
      take: async (body, end) => void (await this.#session.take(body, end)),
      onRefused: (reason, start) => {
        metrics.lost(reason).add(1);
        this.#session.refuse('the datagram ended within the line', start);
      },
      rules,
    });
  }

  /** Resolves to the bound address when datagrams to it arrive here; port 0 picks a free one. */
  listen(address: { readonly host: string; readonly port: number }): Promise<AddressInfo> {
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
        resolve(socket.address());
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
    // What a quote has kept open does not go on in the next one, which may be another sender's.
    this.#feeder.endOpen();
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
