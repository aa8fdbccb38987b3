/** A link to a place that keeps the page: an ordinary link for every other kind of click. */
import type { MouseEvent, ReactNode } from 'react';
import { hrefOf, navigate, type Place } from '../hooks/use-location.ts';

interface PlaceLinkProps {
  readonly to: Place;
  readonly className?: string;
  readonly isCurrent?: boolean;
  readonly children: ReactNode;
}

export function PlaceLink({
  to,
  className,
  isCurrent = false,
  children,
}: PlaceLinkProps): ReactNode {
  const onClick = (event: MouseEvent): void => {
    if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) {
      return;
    }
    event.preventDefault();
    navigate(to, { replace: false });
  };
  return (
    <a
      href={hrefOf(to)}
      className={className}
      aria-current={isCurrent ? 'page' : undefined}
      onClick={onClick}
    >
      {children}
    </a>
  );
}
