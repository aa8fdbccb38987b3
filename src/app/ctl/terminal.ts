// What a command may know of the outside, given by main.ts or by a test.

export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isTerminal: boolean;
  readonly columns: number;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Results that may be long; resolves when more can be taken. */
  readonly outBytes: (bytes: Uint8Array) => Promise<void>;
  readonly stdin: AsyncIterable<Uint8Array>;
}
