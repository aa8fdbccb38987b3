// A TCP listener for protocols of lines. A connection is read as fast as its lines are written:
// what waits is bounded, beyond it the socket is not read and the sender feels it. Nothing a client
// sends ends its connection. `drain` reads what has arrived, writes it and closes.
import net from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { freeAtOnce } from '../../stdx/freed.ts';
import type { Scheduler } from '../../stdx/scheduler.ts';
import {
  ALL_LONG_LINES_BYTES_MAX,
  ALL_PENDING_BYTES_MAX,
  DRAIN_QUIET_MS,
  DRAIN_READ_MS,
  KEEP_ALIVE_MS,
  LINE_BYTES_MAX,
  LINE_CONNECTIONS_MAX,
  PENDING_BYTES_MAX,
  REPLY_BYTES_MAX,
} from './limits.ts';
import { LineFeeder } from './line-feeder.ts';
import type { RefusedLine } from './line-feeder.ts';
import type { LineMetrics } from './line-metrics.ts';
import type { LineRules, LineSession, OpenSession } from './line-session.ts';
import { PLAIN_LINES } from './plain-lines.ts';

/** What a listener holds at most, in bytes; limits.ts says what each is. */
export interface LineBounds {
  readonly pending: number;
  readonly allPending: number;
  readonly allLongLines: number;
}

const DEFAULT_BOUNDS: LineBounds = {
  pending: PENDING_BYTES_MAX,
  allPending: ALL_PENDING_BYTES_MAX,
  allLongLines: ALL_LONG_LINES_BYTES_MAX,
};

export interface LineServerOptions {
  readonly open: OpenSession;
  readonly scheduler: Scheduler;
  readonly metrics: LineMetrics;
  /** Default: PLAIN_LINES. */
  readonly rules?: LineRules;
  /** Default: those of limits.ts. */
  readonly bounds?: LineBounds;
  /** Takes connections over that begin like HTTP; absent: they are lines like all others. */
  readonly acceptHttp?: (connection: Socket) => void;
}

/** What the connections of one listener share. */
interface House {
  readonly options: LineServerOptions;
  readonly rules: LineRules;
  readonly bounds: LineBounds;
  readonly connections: Set<Connection>;
  readonly signal: AbortSignal;
  /** Whole lines that wait, of all connections. */
  pendingBytes: number;
  /** What is longer than LINE_BYTES_MAX of unfinished lines, of all connections. */
  longLineBytes: number;
}

class Connection {
  readonly #house: House;
  readonly #socket: Socket;
  readonly #session: LineSession;
  readonly #feeder: LineFeeder;
  /** As last added to the house's sum. */
  #countedBytes = 0;
  #countedLongBytes = 0;
  #isPaused = false;
  #isEnding = false;
  #lastPieceCount = 0;
  #pieceCount = 0;

  constructor(house: House, socket: Socket) {
    this.#house = house;
    this.#socket = socket;
    const peer = `${socket.remoteAddress ?? 'unknown'}:${socket.remotePort ?? 0}`;
    this.#session = house.options.open({ peer, isOne: true }, house.signal);
    this.#feeder = new LineFeeder({
      take: (body, end) => this.#take(body, end),
      onRefused: (reason, start) => this.#refuse(reason, start),
      rules: house.rules,
    });
    house.connections.add(this);
    house.options.metrics.connections.add(1);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.on('data', (piece: Buffer) => this.#push(piece));
    socket.on('end', () => void this.#end());
    // What arrived before the connection broke is written like everything else.
    socket.on('error', () => void this.#end());
    socket.on('close', () => void this.#end());
  }

  #push(piece: Buffer): void {
    if (this.#isEnding) return;
    this.#pieceCount++;
    this.#feeder.push(piece);
    freeAtOnce(piece);
    this.#count();
    const { bounds, longLineBytes } = this.#house;
    if (longLineBytes > bounds.allLongLines && this.#countedLongBytes > 0) {
      this.#feeder.skipOpen();
      this.#count();
    }
    const isFull =
      this.#feeder.heldBytes >= bounds.pending || this.#house.pendingBytes >= bounds.allPending;
    if (!isFull || !this.#feeder.isWriting || this.#isPaused) return;
    this.#isPaused = true;
    this.#house.options.metrics.pauses.add(1);
    this.#socket.pause();
  }

  #refuse(reason: RefusedLine, start: Uint8Array): void {
    this.#house.options.metrics.lost(reason).add(1);
    const { lineBytesMax } = this.#house.rules;
    const isWhole = start.length >= lineBytesMax;
    if (reason === 'unfinished')
      this.#session.refuse('the connection ended within the line', start);
    else if (isWhole) this.#session.refuse(`the line is longer than ${lineBytesMax} bytes`, start);
    else this.#session.refuse('too much is held of unfinished lines of all connections', start);
  }

  #count(): void {
    const { heldBytes, openBytes } = this.#feeder;
    this.#house.pendingBytes += heldBytes - this.#countedBytes;
    this.#countedBytes = heldBytes;
    const longBytes = Math.max(0, openBytes - LINE_BYTES_MAX);
    this.#house.longLineBytes += longBytes - this.#countedLongBytes;
    this.#countedLongBytes = longBytes;
  }

  async #take(body: Uint8Array, end: number): Promise<void> {
    this.#count();
    // What waited is in this body now.
    this.#readOn();
    const { text, isLast } = await this.#session.take(body, end);
    if (text !== '' && this.#socket.writable) {
      this.#socket.write(text);
      if (this.#socket.writableLength > REPLY_BYTES_MAX) this.#socket.destroy();
    }
    if (isLast) void this.#end();
    // Nothing may follow that would be taken: paused for the sake of others, with nothing waiting.
    if (this.#feeder.heldBytes === 0) this.#readOn();
  }

  #readOn(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#socket.resume();
  }

  /** Writes what is whole, then closes. */
  async #end(): Promise<void> {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#feeder.endOpen();
    this.#count();
    await this.#feeder.settled();
    this.#socket.destroySoon();
    if (this.#house.connections.delete(this)) this.#house.options.metrics.connections.add(-1);
  }

  /** Reads on until nothing comes, for DRAIN_READ_MS at most, and ends. */
  async drain(): Promise<void> {
    const { scheduler } = this.#house.options;
    for (let waitedMs = 0; waitedMs < DRAIN_READ_MS; waitedMs += DRAIN_QUIET_MS) {
      this.#lastPieceCount = this.#pieceCount;
      await scheduler.sleep(DRAIN_QUIET_MS);
      if (this.#pieceCount === this.#lastPieceCount && !this.#isPaused) break;
    }
    await this.#end();
  }
}

/** Do these first bytes of a connection belong to HTTP? Its methods are in capitals. */
function looksLikeHttp(piece: Uint8Array): boolean {
  const first = piece[0] ?? 0;
  return first >= 65 && first <= 90;
}

export class LineServer {
  readonly #house: House;
  readonly #abort = new AbortController();
  readonly #server: Server;

  constructor(options: LineServerOptions) {
    const { signal } = this.#abort;
    const { rules = PLAIN_LINES, bounds = DEFAULT_BOUNDS } = options;
    const connections = new Set<Connection>();
    const held = { pendingBytes: 0, longLineBytes: 0 };
    this.#house = { options, rules, bounds, connections, signal, ...held };
    // Half open: a client that has sent everything still gets its answers.
    this.#server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      this.#accept(socket),
    );
    this.#server.maxConnections = LINE_CONNECTIONS_MAX;
  }

  #accept(socket: Socket): void {
    const { acceptHttp } = this.#house.options;
    if (acceptHttp === undefined) return void new Connection(this.#house, socket);
    // A client that goes away before it has said anything.
    const leave = (): void => void socket.destroy();
    socket.on('error', leave);
    socket.on('end', leave);
    socket.once('data', (piece: Buffer) => {
      socket.pause();
      socket.off('error', leave);
      socket.off('end', leave);
      socket.unshift(piece);
      if (looksLikeHttp(piece)) acceptHttp(socket);
      else void new Connection(this.#house, socket);
      socket.resume();
    });
  }

  /** Resolves to the bound address; port 0 picks a free one. */
  listen(address: { readonly host: string; readonly port: number }): Promise<AddressInfo> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(address, () => {
        this.#server.off('error', reject);
        resolve(this.#server.address() as AddressInfo);
      });
    });
  }

  /** Takes no new connection, writes what has arrived; gives up what waits after `graceMs`. */
  async drain(graceMs: number): Promise<void> {
    const cancel = this.#house.options.scheduler.after(graceMs, () => this.#abort.abort());
    this.#server.close();
    await Promise.all([...this.#house.connections].map((connection) => connection.drain()));
    cancel();
  }
}
