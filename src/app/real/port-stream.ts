// A connection between two threads over a message port: bytes in order, as much as the reader
// takes, half-closed and cut like a socket. One chunk is under way in each direction.
import { Duplex } from 'node:stream';
import type { MessagePort } from 'node:worker_threads';

type PortMessage =
  | { readonly bytes: Uint8Array<ArrayBuffer> }
  /** The last chunk is taken. */
  | 'more'
  | 'end'
  /** The other side is no more. */
  | 'gone';

export class PortStream extends Duplex {
  readonly #port: MessagePort;
  /** As a socket has it: of the client that the connection is for. */
  readonly remoteAddress: string;
  /** Of the chunk under way. */
  #written: ((error?: Error) => void) | undefined = undefined;
  #owesMore = false;
  #hasEnded = false;
  #isPeerGone = false;
  #idle: NodeJS.Timeout | undefined = undefined;

  /** Owns the port from now on. */
  constructor(port: MessagePort, peer = '') {
    super({ allowHalfOpen: true });
    this.remoteAddress = peer;
    this.#port = port;
    port.on('message', (message: PortMessage) => this.#hear(message));
    port.on('close', () => this.#hear('gone'));
  }

  #hear(message: PortMessage): void {
    if (message === 'gone') return this.#peerGone();
    if (this.destroyed) return;
    this.#idle?.refresh();
    if (message === 'more') this.#writeDone();
    else if (message === 'end') {
      this.#hasEnded = true;
      this.push(null);
    } else if (this.push(message.bytes)) this.#post('more');
    else this.#owesMore = true;
  }

  #writeDone(error?: Error): void {
    const written = this.#written;
    this.#written = undefined;
    written?.(error);
  }

  /** What it sent before it went is still read; what it did not take is lost. */
  #peerGone(): void {
    if (this.#isPeerGone) return;
    this.#isPeerGone = true;
    this.#port.close();
    if (this.#hasEnded) this.#writeDone();
    else this.destroy(new Error('the other side of the connection is gone'));
  }

  #post(message: PortMessage, transfer: ArrayBuffer[] = []): void {
    if (!this.#isPeerGone) this.#port.postMessage(message, transfer);
  }

  override _read(): void {
    if (!this.#owesMore) return;
    this.#owesMore = false;
    this.#post('more');
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    if (this.#isPeerGone) return done();
    this.#written = done;
    // Small buffers share memory with others.
    const bytes = new Uint8Array(chunk);
    this.#post({ bytes }, [bytes.buffer]);
  }

  override _final(done: () => void): void {
    this.#post('end');
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.#idle);
    this.#post('gone');
    this.#writeDone(error ?? undefined);
    done(error);
  }

  /** As a socket: 'timeout' after so long without a byte in either direction; 0: never. */
  setTimeout(idleMs: number): this {
    clearTimeout(this.#idle);
    this.#idle = undefined;
    if (idleMs > 0) this.#idle = setTimeout(() => this.emit('timeout'), idleMs).unref();
    return this;
  }

  // What HTTP asks of a socket and a port has not.

  setKeepAlive(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}
