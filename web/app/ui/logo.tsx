/** The mark: three circles, a sun and two orbits, turning once on load unless motion is reduced. */
import type { ReactNode } from 'react';

export function Logo(): ReactNode {
  return (
    <svg className="logo" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
      <circle className="logo-orbit" cx="12" cy="12" r="10" />
      <g className="logo-turn">
        <circle className="logo-moon" cx="12" cy="2.6" r="2.2" />
      </g>
      <circle className="logo-sun" cx="12" cy="12" r="3.6" />
    </svg>
  );
}
