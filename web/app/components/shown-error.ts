/**
 * Which error a view shows while the next request runs: the last one stays, so that a refresh that
 * keeps failing does not flicker; a cancelled query that is run again makes room for its progress.
 */
import type { ApiError } from '../api/api-error.ts';
import type { RequestState } from '../hooks/use-request.ts';

export function shownError(request: RequestState<unknown>): ApiError | undefined {
  const { error, isLoading } = request;
  return isLoading && error?.kind === 'canceled' ? undefined : error;
}
