/**
 * One request that follows its key: a new key aborts the running request and starts the next. The
 * last answer stays while a refresh runs (same `subject`); another question drops it.
 */
import { useCallback, useEffect, useRef, useState } from 'react';
import { ApiError } from '../api/api-error.ts';

export interface RequestState<T> {
  readonly data: T | undefined;
  /** Why the last request failed; it stays until one succeeds or the question changes. */
  readonly error: ApiError | undefined;
  readonly isLoading: boolean;
  /** Ends the running request; the page then says that it was cancelled. */
  readonly cancel: () => void;
}

/** What is known: the outcome of the request `doneKey`, and the last good answer on `subject`. */
interface Known<T> {
  readonly doneKey: string | undefined;
  readonly subject: string;
  readonly data: T | undefined;
  readonly error: ApiError | undefined;
}

/** `run` is read when `key` changes; an undefined key asks nothing. */
export function useRequest<T>(
  key: string | undefined,
  subject: string,
  run: (signal: AbortSignal) => Promise<T>,
): RequestState<T> {
  const [known, setKnown] = useState<Known<T>>({
    doneKey: undefined,
    subject,
    data: undefined,
    error: undefined,
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
    void settle(runRef.current, controller.signal, (outcome) =>
      setKnown((old) => ({
        doneKey: key,
        subject,
        data: outcome.error && old.subject === subject ? old.data : outcome.data,
        error: outcome.error,
      })),
    );
    return () => controller.abort();
  }, [key, subject]);
  const cancel = useCallback(() => {
    controllerRef.current?.abort();
    const error = new ApiError('canceled', 0, 'You cancelled it before the answer came.');
    setKnown((old) => ({
      doneKey: key,
      subject,
      data: old.subject === subject ? old.data : undefined,
      error,
    }));
  }, [key, subject]);
  const isCurrent = known.subject === subject && key !== undefined;
  return {
    data: isCurrent ? known.data : undefined,
    error: isCurrent ? known.error : undefined,
    isLoading: key !== undefined && (known.doneKey !== key || !isCurrent),
    cancel,
  };
}

interface Outcome<T> {
  readonly data: T | undefined;
  readonly error: ApiError | undefined;
}

/** Reports the outcome once; an aborted request reports nothing, its owner has moved on. */
async function settle<T>(
  run: (signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
  onOutcome: (outcome: Outcome<T>) => void,
): Promise<void> {
  let outcome: Outcome<T>;
  try {
    outcome = { data: await run(signal), error: undefined };
  } catch (error) {
    outcome = { data: undefined, error: toApiError(error) };
  }
  if (!signal.aborted) onOutcome(outcome);
}

function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new ApiError('malformed', 0, message, error);
}
