/** Which host Home shows, where there are several. Its choice is part of the address. */
import type { ReactNode } from 'react';
import { visible } from '../util/labels.ts';

interface HostChooserProps {
  readonly instances: readonly string[];
  readonly chosen: string | undefined;
  readonly onChoose: (instance: string) => void;
}

export function HostChooser({ instances, chosen, onChoose }: HostChooserProps): ReactNode {
  // A link may name a host that is silent in this range: it is listed, so that it can be left.
  const isKnown = chosen === undefined || instances.includes(chosen);
  const listed = isKnown ? instances : [...instances, chosen];
  if (listed.length < 2) return null;
  return (
    <select
      className="button"
      aria-label="Host"
      value={chosen}
      onChange={(event) => onChoose(event.target.value)}
    >
      {listed.map((instance) => (
        <option key={instance} value={instance}>
          {visible(instance)}
        </option>
      ))}
    </select>
  );
}
