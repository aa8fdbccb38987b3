/** What the shades of a heat map mean. */
import type { ReactNode } from 'react';
import { formatCount } from '../util/unit.ts';

export function HeatScale({ max }: { readonly max: number }): ReactNode {
  return (
    <div className="heat-scale">
      <span>0</span>
      <span className="heat-ramp" aria-hidden="true" />
      <span>{formatCount(max)} in a bucket</span>
    </div>
  );
}
