/**
 * What a first load shows: nothing for 300 ms, then the outline of what comes, and after two
 * seconds the time spent and a way to cancel. It fills the place of the content: nothing shifts.
 */
import { useEffect, useState, type ReactNode } from 'react';
import { useWaited } from '../hooks/use-waited.ts';
import { PROGRESS_AFTER_MS, SKELETON_AFTER_MS } from '../util/limits.ts';

interface WaitProps {
  readonly height: number;
  readonly onCancel?: () => void;
}

export function Wait({ height, onCancel }: WaitProps): ReactNode {
  const isSkeleton = useWaited(true, SKELETON_AFTER_MS);
  const isLong = useWaited(true, PROGRESS_AFTER_MS);
  return (
    <div className={isSkeleton ? 'wait skeleton' : 'wait'} style={{ minHeight: height }}>
      {isLong && <Spent onCancel={onCancel} />}
    </div>
  );
}

function Spent({ onCancel }: { readonly onCancel: (() => void) | undefined }): ReactNode {
  const [sec, setSec] = useState(PROGRESS_AFTER_MS / 1000);
  useEffect(() => {
    const timer = setInterval(() => setSec((old) => old + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  return (
    <div className="wait-words" role="status">
      <span>Still running, {sec} s so far</span>
      {onCancel && (
        <button type="button" className="button" onClick={onCancel}>
          Cancel
        </button>
      )}
    </div>
  );
}
