/** What the server said beside the data: warnings first, then remarks; each once. */
import type { ReactNode } from 'react';
import type { Answer } from '../api/types.ts';
import { Notice } from '../ui/notice.tsx';

export function Remarks({ answer }: { readonly answer: Answer<unknown> }): ReactNode {
  return (
    <>
      {[...new Set(answer.warnings)].map((text) => (
        <Notice key={text} tone="warning">
          {text}
        </Notice>
      ))}
      {[...new Set(answer.infos)].map((text) => (
        <Notice key={text} tone="info">
          {text}
        </Notice>
      ))}
    </>
  );
}
