// What goes back to a client, and what came in its path: the shapes that routes and exchanges
// share.
import type { LimitFacts } from '../../model/errors.ts';

/** A complete small answer. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** Compressed bodies of an answer that would be the same each time it is made. */
export interface KeptBodies {
  /** A longer one is not kept. */
  readonly sizeBytesMax: number;
  of(coding: string): Uint8Array | undefined;
  /** The bytes are the keeper's from then on. */
  keep(coding: string, body: Uint8Array): void;
}

/** Decoded segments of a route's path by name. */
export type PathParams = ReadonlyMap<string, string>;

/** A JSON answer that also says `limit` by parts, whatever the protocol's own form is. */
export function withLimit(answer: Answer, limit: LimitFacts | undefined): Answer {
  const isJson = answer.headers?.['Content-Type']?.startsWith('application/json') === true;
  if (limit === undefined || !isJson || typeof answer.body !== 'string') return answer;
  const content: unknown = JSON.parse(answer.body);
  if (typeof content !== 'object' || content === null || Array.isArray(content)) return answer;
  return { ...answer, body: JSON.stringify({ ...content, limit }) };
}
