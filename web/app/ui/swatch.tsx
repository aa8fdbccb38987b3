/** The sign of a series: a short line in its colour and its dash pattern, as the chart draws it. */
import type { ReactNode } from 'react';
import { DASHES, type SeriesStyle } from '../util/colour.ts';

export function Swatch({ style }: { readonly style: SeriesStyle }): ReactNode {
  return (
    <svg className="swatch" width="20" height="8" viewBox="0 0 20 8" aria-hidden="true">
      <line
        x1="0"
        x2="20"
        y1="4"
        y2="4"
        stroke={`var(--series-${style.slot})`}
        strokeWidth="2.5"
        strokeDasharray={(DASHES[style.dash] ?? []).join(' ')}
      />
    </svg>
  );
}
