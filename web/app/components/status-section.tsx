/** A part of Status: its heading, then its content, what is missing, or why it cannot be had. */
import type { ReactNode } from 'react';
import type { ApiError } from '../api/api-error.ts';
import { ErrorNote } from './error-note.tsx';
import { Wait } from './wait.tsx';

interface StatusSectionProps {
  readonly title: string;
  /** Beside the heading. */
  readonly note?: ReactNode;
  readonly error: ApiError | undefined;
  readonly isWaiting: boolean;
  readonly height: number;
  readonly children: ReactNode;
}

const NOT_FOUND = 404;

export function StatusSection(props: StatusSectionProps): ReactNode {
  const { title, note, error, isWaiting, height, children } = props;
  const isForbidden = error?.kind === 'forbidden';
  const isMissing = error?.status === NOT_FOUND;
  return (
    <section aria-label={title}>
      <div className="section-head">
        <h2>{title}</h2>
        <span className="hint">{note}</span>
      </div>
      {isForbidden && <p className="hint">Only an administrator may see this.</p>}
      {isMissing && <p className="hint">This server does not tell.</p>}
      {error !== undefined && !isForbidden && !isMissing && <ErrorNote error={error} />}
      {isWaiting && <Wait height={height} />}
      {children}
    </section>
  );
}
