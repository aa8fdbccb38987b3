// What a protocol of lines is to the listeners: one session per connection (or per sender of
// datagrams), which gets whole lines and says what to answer.

export interface LineAnswer {
  /** '' = nothing. */
  readonly text: string;
  /** The connection ends behind the text. */
  readonly isLast: boolean;
}

export const NO_ANSWER: LineAnswer = { text: '', isLast: false };

export interface LineSession {
  /**
   * Writes the lines [0, end), each with its line break; resolves when they are written and the
   * memory may be used anew. Does not reject for what a client sent or for what may pass.
   */
  take(body: Uint8Array, end: number): Promise<LineAnswer>;
  /** A line that never came whole: what there is of it. */
  refuse(reason: string, start: Uint8Array): void;
}

/** Where lines end in a stream that comes in pieces; it has seen all of them, in order. */
export interface LineEnds {
  /** Behind the first line break of the last piece that ends a line; 0: none does. */
  readonly first: number;
  /** Behind the last such. */
  readonly last: number;
  /** Looks at the next piece. */
  take(piece: Uint8Array): void;
  /** A line begins with the next piece, whatever was before it. */
  restart(): void;
}

/** How the lines of a protocol are cut out of a stream. */
export interface LineRules {
  /** One for each stream. */
  readonly ends: () => LineEnds;
  /** A line without its line break; longer ones are refused. */
  readonly lineBytesMax: number;
}

/** Who sends. */
export interface LineSender {
  /** For logs. */
  readonly peer: string;
  /** One connection, not whoever sends a datagram: what it said before counts for what follows. */
  readonly isOne: boolean;
}

/** `signal` aborts when writes that wait have to give up. */
export type OpenSession = (sender: LineSender, signal: AbortSignal) => LineSession;
