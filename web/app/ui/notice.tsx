/** A remark beside data that is shown all the same: warnings, limits reached, hints. */
import type { ReactNode } from 'react';

interface NoticeProps {
  readonly tone: 'warning' | 'info';
  readonly children: ReactNode;
}

export function Notice({ tone, children }: NoticeProps): ReactNode {
  return (
    <div className={`notice notice-${tone}`} role="status">
      <span className="notice-mark" aria-hidden="true">
        {tone === 'warning' ? '!' : 'i'}
      </span>
      <div>{children}</div>
    </div>
  );
}
