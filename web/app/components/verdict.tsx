/** What became of a sample or a series, as a word with a mark: never colour alone. */
import type { ReactNode } from 'react';

export type VerdictName = 'ok' | 'kept' | 'refused' | 'dropped' | 'skipped';

const MARKS: Readonly<Record<VerdictName, string>> = {
  ok: '✓',
  kept: '✓',
  refused: '✗',
  dropped: '✗',
  skipped: '·',
};

export function Verdict({ name }: { readonly name: VerdictName }): ReactNode {
  return (
    <span className={`verdict verdict-${name}`}>
      <span aria-hidden="true">{MARKS[name]} </span>
      {name}
    </span>
  );
}
