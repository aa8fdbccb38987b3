/**
 * The error of a result view. Without an older answer it takes the answer's place; with one it
 * floats at the bottom, so that what the eye is on does not move.
 */
import { useState, type ReactNode } from 'react';
import type { ApiError } from '../api/api-error.ts';
import { ErrorNote } from './error-note.tsx';

interface ResultErrorProps {
  readonly error: ApiError;
  readonly expr: string;
  readonly hasData: boolean;
  readonly onRetry: () => void;
}

export function ResultError({ error, expr, hasData, onRetry }: ResultErrorProps): ReactNode {
  const [dismissed, setDismissed] = useState<ApiError | undefined>(undefined);
  if (dismissed === error) {
    return hasData ? null : <p className="panel-empty">No answer. Run the query again.</p>;
  }
  return (
    <div className={hasData ? 'error-float' : ''}>
      <ErrorNote
        error={error}
        expr={expr}
        onRetry={onRetry}
        onDismiss={() => setDismissed(error)}
      />
    </div>
  );
}
