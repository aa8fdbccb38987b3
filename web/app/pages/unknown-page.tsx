/** An address that names no place. */
import type { ReactNode } from 'react';
import { PlaceLink } from '../components/place-link.tsx';
import { Shell } from '../components/shell.tsx';

export function UnknownPage({ path }: { readonly path: string }): ReactNode {
  return (
    <Shell path={path} controls={null}>
      <h1>There is no place called “{path}”</h1>
      <p>
        Go to <PlaceLink to={{ path: '', search: '' }}>Home</PlaceLink> or{' '}
        <PlaceLink to={{ path: 'explore', search: '' }}>Explore</PlaceLink>.
      </p>
    </Shell>
  );
}
