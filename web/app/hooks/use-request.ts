/**
 * One request that follows its key: a new key aborts the running request and starts the next. The
 * last answer stays while a refresh runs (same `subject`), and is dropped when the question changes.
 */
import { useCallback, useEffect, useRef, useState } from 'react';
import { ApiError } from '../api/api-error.ts';

export interface RequestState<T> {
  readonly data: T | undefined;
  readonly error: ApiError | undefined;
  readonly isLoading: boolean;
  /** Ends the running request; the page then says that it was cancelled. */
  readonly cancel: () => void;
}

interface Inner<T> {
  readonly subject: string;
  readonly data: T | undefined;
  readonly error: ApiError | undefined;
  readonly isLoading: boolean;
}

/** `run` is read when `key` changes; an undefined key asks nothing. */
export function useRequest<T>(
  key: string | undefined,
  subject: string,
  run: (signal: AbortSignal) => Promise<T>,
): RequestState<T> {
  const [state, setState] = useState<Inner<T>>({
    subject,
    data: undefined,
    error: undefined,
    isLoading: key !== undefined,
  });
  const runRef = useRef(run);
  const controllerRef = useRef<AbortController | undefined>(undefined);
  useEffect(() => {
    runRef.current = run;
  });
  useEffect(() => {
    if (key === undefined) return undefined;
    const controller = new AbortController();
    controllerRef.current = controller;
    setState((old) => ({
      subject,
      data: old.subject === subject ? old.data : undefined,
      error: old.subject === subject ? old.error : undefined,
      isLoading: true,
    }));
    runRef.current(controller.signal).then(
      (data) => {
        if (controller.signal.aborted) return;
        setState({ subject, data, error: undefined, isLoading: false });
      },
      (error: unknown) => {
        if (controller.signal.aborted) return;
        setState((old) => ({ ...old, error: toApiError(error), isLoading: false }));
      },
    );
    return () => controller.abort();
  }, [key, subject]);
  const cancel = useCallback(() => {
    controllerRef.current?.abort();
    const error = new ApiError('canceled', 0, 'You cancelled it before the answer came.');
    setState((old) => ({ ...old, error, isLoading: false }));
  }, []);
  const isCurrent = state.subject === subject;
  return {
    data: isCurrent && key !== undefined ? state.data : undefined,
    error: isCurrent && key !== undefined ? state.error : undefined,
    isLoading: key !== undefined && (state.isLoading || !isCurrent),
    cancel,
  };
}

function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new ApiError('malformed', 0, message, error);
}
