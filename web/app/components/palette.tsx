/** The palette, opened by Ctrl-K: type a few letters of a place, Enter goes there. */
import { useState, type KeyboardEvent, type ReactNode } from 'react';
import { navigate } from '../hooks/use-location.ts';
import { Modal } from '../ui/modal.tsx';
import { PLACES } from './places.ts';

export function Palette({ onClose }: { readonly onClose: () => void }): ReactNode {
  const [text, setText] = useState('');
  const [picked, setPicked] = useState(0);
  const found = PLACES.filter((place) =>
    `${place.name} ${place.answers}`.toLowerCase().includes(text.trim().toLowerCase()),
  );
  const at = Math.min(picked, found.length - 1);
  const go = (path: string): void => {
    onClose();
    navigate({ path, search: '' }, { replace: false });
  };
  const onKey = (event: KeyboardEvent): void => {
    const place = found[at];
    if (event.key === 'Enter' && place !== undefined) go(place.path);
    else if (event.key === 'ArrowDown') setPicked(Math.min(at + 1, found.length - 1));
    else if (event.key === 'ArrowUp') setPicked(Math.max(at - 1, 0));
    else return;
    event.preventDefault();
  };
  return (
    <Modal label="Go to" onClose={onClose}>
      <input
        className="palette-input"
        role="combobox"
        aria-label="Place"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={found[at] && `palette-${found[at].path}`}
        placeholder="Go to…"
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setPicked(0);
        }}
        onKeyDown={onKey}
      />
      <ul id="palette-list" className="palette-list" role="listbox" aria-label="Places">
        {found.map((place, index) => (
          <li
            key={place.path}
            id={`palette-${place.path}`}
            role="option"
            aria-selected={index === at}
            onClick={() => go(place.path)}
          >
            <span>{place.name}</span>
            <span className="hint">{place.answers}</span>
          </li>
        ))}
      </ul>
      {found.length === 0 && <p className="hint">No place is called that.</p>}
    </Modal>
  );
}
