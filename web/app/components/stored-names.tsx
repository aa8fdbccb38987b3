/** What a store without host metrics holds: metric names, each a link that draws it. */
import type { ReactNode } from 'react';
import { HOME_NAMES_MAX } from '../util/limits.ts';
import { linkToExplore } from '../util/url-state.ts';
import { formatLabels, visible } from '../util/labels.ts';
import { PlaceLink } from './place-link.tsx';

export function StoredNames({ names }: { readonly names: readonly string[] }): ReactNode {
  return (
    <section aria-labelledby="stored-title">
      <h2 id="stored-title">Stored metrics</h2>
      <p className="hint">
        No host metrics: the collector is off, or has not read the host yet. What was written is
        here.
      </p>
      <ul className="stored-names">
        {names.slice(0, HOME_NAMES_MAX).map((name) => {
          const expr = formatLabels({ __name__: name });
          const search = linkToExplore(expr);
          return (
            <li key={name}>
              <PlaceLink to={{ path: 'explore', search }}>{visible(name)}</PlaceLink>
            </li>
          );
        })}
      </ul>
      {names.length > HOME_NAMES_MAX && (
        <p className="hint">and {names.length - HOME_NAMES_MAX} more</p>
      )}
    </section>
  );
}
