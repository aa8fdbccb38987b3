/**
 * An error in words: what happened, where in the query, the server's own sentence, what to do next.
 * It stays until it is dismissed or the next answer is good.
 */
import type { ReactNode } from 'react';
import type { ApiError } from '../api/api-error.ts';
import { visible } from '../util/labels.ts';
import { splitAt, tryPosition, wordsFor } from '../util/error-words.ts';

interface ErrorNoteProps {
  readonly error: ApiError;
  /** The query that was asked, to mark the place in; undefined when there was none. */
  readonly expr?: string;
  readonly onRetry?: () => void;
  readonly onDismiss?: () => void;
}

export function ErrorNote({ error, expr, onRetry, onDismiss }: ErrorNoteProps): ReactNode {
  const words = wordsFor(error.kind);
  const position = tryPosition(error.message);
  const place = position && expr !== undefined ? splitAt(expr, position) : undefined;
  return (
    <div className="error" role="alert">
      <div className="error-head">
        <strong>{words.title}</strong>
        <span className="error-actions">
          {onRetry && (
            <button type="button" className="button" onClick={onRetry}>
              Try again
            </button>
          )}
          {onDismiss && (
            <button type="button" className="button" onClick={onDismiss}>
              Dismiss
            </button>
          )}
        </span>
      </div>
      {position && place && (
        <pre className="error-place">
          <span className="visually-hidden">
            The place is line {position.line}, column {position.column}:{' '}
          </span>
          {place.before}
          <mark>{place.after === '' ? '␣' : place.after.slice(0, 1)}</mark>
          {place.after.slice(1)}
        </pre>
      )}
      <p className="error-message">{visible(error.message)}</p>
      <p className="error-advice">{words.advice}</p>
    </div>
  );
}
