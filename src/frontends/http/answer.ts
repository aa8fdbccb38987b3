// What goes back to a client, and what came in its path: the shapes that routes and exchanges
// share.

/** A complete small answer. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** Decoded segments of a route's path by name. */
export type PathParams = ReadonlyMap<string, string>;
