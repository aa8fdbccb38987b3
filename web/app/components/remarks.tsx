/** What the server said beside the data: warnings first, then remarks; each once. */
import type { ReactNode } from 'react';
import { Notice } from '../ui/notice.tsx';

interface RemarksProps {
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
}

export function Remarks({ warnings, infos }: RemarksProps): ReactNode {
  return (
    <>
      {[...new Set(warnings)].map((text) => (
        <Notice key={text} tone="warning">
          {text}
        </Notice>
      ))}
      {[...new Set(infos)].map((text) => (
        <Notice key={text} tone="info">
          {text}
        </Notice>
      ))}
    </>
  );
}
