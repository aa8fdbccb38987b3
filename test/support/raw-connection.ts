// A connection whose bytes a test chooses: what was sent and what came back, nothing else. Answers
// are cut by their own lengths, so that several on one connection can be told apart.
import { once } from 'node:events';
import net from 'node:net';

export interface RawAnswer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

const HEAD_END = '\r\n\r\n';

export class RawConnection {
  readonly socket: net.Socket;
  #text = '';
  #isEnded = false;
  #wake: () => void = () => undefined;

  private constructor(socket: net.Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('latin1');
      this.#wake();
    });
    for (const event of ['end', 'close', 'error'])
      socket.on(event, () => {
        this.#isEnded = true;
        this.#wake();
      });
  }

  static async open(port: number): Promise<RawConnection> {
    const socket = net.connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new RawConnection(socket);
  }

  send(bytes: string | Uint8Array): this {
    this.socket.write(bytes);
    return this;
  }

  close(): void {
    this.socket.destroy();
  }

  async #more(): Promise<boolean> {
    if (this.#isEnded) return false;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    return true;
  }

  /** The next answer; undefined where the connection ends without another one. */
  async answer(method = 'GET'): Promise<RawAnswer | undefined> {
    while (!this.#text.includes(HEAD_END)) if (!(await this.#more())) return undefined;
    const headEnd = this.#text.indexOf(HEAD_END);
    const [first, ...lines] = this.#text.slice(0, headEnd).split('\r\n');
    this.#text = this.#text.slice(headEnd + HEAD_END.length);
    const headers = new Map<string, string>();
    for (const line of lines) {
      const colon = line.indexOf(':');
      headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
    }
    const status = Number(first!.split(' ')[1]);
    const isBare = method === 'HEAD' || status < 200 || status === 204 || status === 304;
    return { status, headers, body: isBare ? '' : await this.#body(headers) };
  }

  async #body(headers: RawAnswer['headers']): Promise<string> {
    const length = headers.get('content-length');
    if (length !== undefined) return await this.#take(Number(length));
    if (headers.get('transfer-encoding') !== 'chunked') return await this.rest();
    let body = '';
    for (;;) {
      while (!this.#text.includes('\r\n')) if (!(await this.#more())) return body;
      const lineEnd = this.#text.indexOf('\r\n');
      const size = Number.parseInt(this.#text.slice(0, lineEnd), 16);
      const chunk = await this.#take(lineEnd + 2 + size + 2);
      if (size === 0) return body;
      body += chunk.slice(lineEnd + 2, -2);
    }
  }

  async #take(length: number): Promise<string> {
    while (this.#text.length < length) if (!(await this.#more())) break;
    const taken = this.#text.slice(0, length);
    this.#text = this.#text.slice(length);
    return taken;
  }

  /** What comes until the other side ends the connection. */
  async rest(): Promise<string> {
    while (await this.#more());
    return await this.#take(this.#text.length);
  }
}
