/** The line at the right of the tabs: counts, or how a running refresh is doing. */
import type { ReactNode } from 'react';
import { useProgress } from '../hooks/use-progress.ts';
import { useWaited } from '../hooks/use-waited.ts';
import { PROGRESS_AFTER_MS, SKELETON_AFTER_MS } from '../util/limits.ts';

interface ResultStatusProps {
  readonly isLoading: boolean;
  /** An older answer is on the page while the next is fetched. */
  readonly hasData: boolean;
  readonly texts: readonly string[];
  readonly onCancel: () => void;
  readonly children: ReactNode;
}

export function ResultStatus(props: ResultStatusProps): ReactNode {
  const { isLoading, hasData, texts, onCancel, children } = props;
  const isShown = useWaited(isLoading && hasData, SKELETON_AFTER_MS);
  const isLong = useWaited(isLoading && hasData, PROGRESS_AFTER_MS);
  const progress = useProgress(texts, isLong);
  const isKnown = progress !== undefined;
  return (
    <div className="result-status">
      {isShown && (
        <progress
          className="result-progress"
          aria-label="Running"
          {...(isKnown ? { value: progress } : {})}
        />
      )}
      {isLong ? (
        <>
          <span role="status">
            Still running{isKnown && `, about ${Math.round(progress * 100)}% read`}
          </span>
          <button type="button" className="button" onClick={onCancel}>
            Cancel
          </button>
        </>
      ) : (
        children
      )}
    </div>
  );
}
