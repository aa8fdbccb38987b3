/**
 * Several queries as one question: each part has its answer or its error. When none has an answer
 * the whole has failed, with the first error.
 */
import { ApiError } from '../api/api-error.ts';
import type { AskedQuery } from './url-state.ts';

export interface Asked {
  /** Position among all queries of the view, also those that are off. */
  readonly index: number;
  /** A to H; empty when there is one query. */
  readonly letter: string;
  readonly expr: string;
}

export interface Part<T> extends Asked {
  readonly answer: T | undefined;
  readonly error: ApiError | undefined;
}

/** The queries that are on. */
export function askedOf(queries: readonly AskedQuery[]): readonly Asked[] {
  return queries.flatMap(({ expr, isOff }, index) =>
    isOff ? [] : [{ index, letter: queries.length === 1 ? '' : letterOf(index), expr }],
  );
}

export function letterOf(index: number): string {
  return String.fromCodePoint(65 + index);
}

export async function askAll<T>(
  asked: readonly Asked[],
  ask: (expr: string) => Promise<T>,
): Promise<readonly Part<T>[]> {
  const parts = await Promise.all(
    asked.map(async (one): Promise<Part<T>> => {
      try {
        return { ...one, answer: await ask(one.expr), error: undefined };
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        return { ...one, answer: undefined, error };
      }
    }),
  );
  const [first] = parts;
  if (first?.error !== undefined && parts.every(({ error }) => error !== undefined)) {
    throw first.error;
  }
  return parts;
}
