/** The queries of a view asked as one request, with the page told which of them failed. */
import { useEffect } from 'react';
import type { ResultViewProps } from '../components/result-view.ts';
import { shownError } from '../components/shown-error.ts';
import { askAll, type Part } from '../util/ask-all.ts';
import type { ApiError } from '../api/api-error.ts';
import { useRequest, type RequestState } from './use-request.ts';

export interface AskedState<T> {
  readonly request: RequestState<readonly Part<T>[]>;
  /** Why nothing came at all. */
  readonly error: ApiError | undefined;
}

/** `frame` says what the answer depends on beside the queries and the moment. */
export function useAsked<T>(
  { asked, nowMs, onFailed }: ResultViewProps,
  frame: unknown,
  ask: (expr: string, signal: AbortSignal) => Promise<T>,
): AskedState<T> {
  const subject = JSON.stringify(asked);
  const request = useRequest(JSON.stringify([asked, frame, nowMs]), subject, async (signal) =>
    askAll(asked, async (expr) => ask(expr, signal)),
  );
  const { data, error } = request;
  useEffect(() => {
    const [first] = asked;
    if (error !== undefined && first !== undefined) {
      onFailed([{ index: first.index, expr: first.expr, error }]);
    } else if (data !== undefined) {
      onFailed(data.flatMap((part) => (part.error ? [{ ...part, error: part.error }] : [])));
    }
    // `subject` stands for `asked`; `onFailed` only stores what it is told.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [data, error, subject]);
  return { request, error: shownError(request) };
}
