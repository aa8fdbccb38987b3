// Comment lines of pages that were read before, and what they say. Pages that are scraped have the
// same ones in the same order each time, and many targets have those of each other: the line that
// followed the one before is compared with the bytes at hand, and only where it is another one it
// is looked up by them.
import { KNOWN_COMMENT_BYTES_MAX, KNOWN_COMMENTS_MAX } from '../limits.ts';

/** What a comment line says; `from` and `to`: where in the line its type stands. */
export type Comment =
  | { readonly kind: 'none' }
  | { readonly kind: 'help'; readonly name: string; readonly help: string }
  | {
      readonly kind: 'type';
      readonly name: string;
      readonly type: string;
      readonly from: number;
      readonly to: number;
    };

interface KnownLine {
  /** Bytes as characters. */
  readonly text: string;
  readonly comment: Comment;
  /** What came behind it last. */
  next: KnownLine | undefined;
}

/** Is `text` the bytes [start, end), each a character? */
function isLatin1Of(text: string, bytes: Uint8Array, start: number, end: number): boolean {
  const { length } = text;
  if (end - start !== length) return false;
  for (let i = 0; i < length; i++) if (text.charCodeAt(i) !== bytes[start + i]) return false;
  return true;
}

/** Bytes as characters, in one piece. */
export function latin1Of(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
}

export class KnownComments {
  #lines = new Map<string, KnownLine>();
  /** Before the first line of any page. */
  #first: KnownLine = { text: '', comment: { kind: 'none' }, next: undefined };
  #last = this.#first;

  get size(): number {
    return this.#lines.size;
  }

  /** A page begins. */
  open(): void {
    this.#last = this.#first;
  }

  /** What the line says; undefined: it is not known, `learn` it or leave it out. */
  find(bytes: Uint8Array, start: number, end: number): Comment | undefined {
    const { next } = this.#last;
    if (next !== undefined && isLatin1Of(next.text, bytes, start, end)) {
      this.#last = next;
      return next.comment;
    }
    if (end - start > KNOWN_COMMENT_BYTES_MAX) return undefined;
    const line = this.#lines.get(latin1Of(bytes, start, end));
    if (line !== undefined) this.#follow(line);
    return line?.comment;
  }

  learn(bytes: Uint8Array, start: number, end: number, comment: Comment): void {
    if (end - start > KNOWN_COMMENT_BYTES_MAX) return;
    if (this.#lines.size >= KNOWN_COMMENTS_MAX) {
      this.#lines = new Map();
      this.#first = { ...this.#first, next: undefined };
      this.#last = this.#first;
    }
    const text = latin1Of(bytes, start, end);
    const line: KnownLine = { text, comment, next: undefined };
    this.#lines.set(text, line);
    this.#follow(line);
  }

  #follow(line: KnownLine): void {
    this.#last.next = line;
    this.#last = line;
  }
}
