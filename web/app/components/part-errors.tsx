/** Errors of some of the queries, each with its letter, while the others have their answers. */
import type { ReactNode } from 'react';
import type { Part } from '../util/ask-all.ts';
import { ErrorNote } from './error-note.tsx';

export function PartErrors({ parts }: { readonly parts: readonly Part<unknown>[] }): ReactNode {
  return parts.map(({ letter, expr, error }) =>
    error === undefined ? null : (
      <div key={letter} className="part-error">
        <span className="letter">{letter}</span>
        <ErrorNote error={error} expr={expr} />
      </div>
    ),
  );
}
