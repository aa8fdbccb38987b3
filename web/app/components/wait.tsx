/**
 * What a first load shows: nothing for 300 ms, then the outline of what comes, and after two
 * seconds the time spent, how far the server is, and a way to cancel. It fills the place of the
 * content: nothing shifts.
 */
import { useEffect, useState, type ReactNode } from 'react';
import { useProgress } from '../hooks/use-progress.ts';
import { useWaited } from '../hooks/use-waited.ts';
import { PROGRESS_AFTER_MS, SKELETON_AFTER_MS } from '../util/limits.ts';

interface WaitProps {
  readonly height: number;
  /** The queries that are waited for, to find them in the server's list. */
  readonly texts?: readonly string[];
  readonly onCancel?: () => void;
}

export function Wait({ height, texts = [], onCancel }: WaitProps): ReactNode {
  const isSkeleton = useWaited(true, SKELETON_AFTER_MS);
  const isLong = useWaited(true, PROGRESS_AFTER_MS);
  return (
    <div className={isSkeleton ? 'wait skeleton' : 'wait'} style={{ minHeight: height }}>
      {isLong && <Spent texts={texts} onCancel={onCancel} />}
    </div>
  );
}

interface SpentProps {
  readonly texts: readonly string[];
  readonly onCancel: (() => void) | undefined;
}

function Spent({ texts, onCancel }: SpentProps): ReactNode {
  const [sec, setSec] = useState(PROGRESS_AFTER_MS / 1000);
  const progress = useProgress(texts, texts.length > 0);
  useEffect(() => {
    const timer = setInterval(() => setSec((old) => old + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  return (
    <div className="wait-words" role="status">
      <span>
        Still running, {sec} s so far
        {progress !== undefined && `, about ${Math.round(progress * 100)}% read`}
      </span>
      {progress !== undefined && <progress value={progress} aria-label="Read so far" />}
      {onCancel && (
        <button type="button" className="button" onClick={onCancel}>
          Cancel
        </button>
      )}
    </div>
  );
}
