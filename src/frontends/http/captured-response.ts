// A response that goes nowhere: what a handler would have answered, to be looked at.
import { ServerResponse } from 'node:http';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';

export interface CapturedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export class CapturedResponse extends ServerResponse {
  readonly #pieces: Buffer[] = [];

  override write(chunk: unknown): boolean {
    this.#keep(chunk);
    return true;
  }

  override end(chunk?: unknown): this {
    this.#keep(chunk);
    return this;
  }

  #keep(chunk: unknown): void {
    if (typeof chunk === 'string') this.#pieces.push(Buffer.from(chunk));
    else if (chunk instanceof Uint8Array) this.#pieces.push(Buffer.from(chunk));
  }

  /** After the handler has ended. */
  answer(): CapturedAnswer {
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(this.getHeaders()))
      if (value !== undefined) headers[name] = String(value);
    const coding = headers['content-encoding'];
    // Of the text below, not of what was compressed.
    for (const name of ['content-encoding', 'content-length', 'vary']) delete headers[name];
    const body = plain(Buffer.concat(this.#pieces), coding).toString('utf8');
    return { status: this.statusCode, headers, body };
  }
}

function plain(bytes: Buffer, coding: string | undefined): Buffer {
  if (coding === 'gzip') return gunzipSync(bytes);
  if (coding === 'zstd') return zstdDecompressSync(bytes);
  return bytes;
}
