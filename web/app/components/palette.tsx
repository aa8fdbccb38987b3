/** The palette, opened by Ctrl-K: a few letters of a place or a metric, Enter goes there. */
import { useMemo, useState, type KeyboardEvent, type ReactNode } from 'react';
import { metricNamesStored } from '../api/client.ts';
import { navigate, type Place } from '../hooks/use-location.ts';
import { useRequest } from '../hooks/use-request.ts';
import { Modal } from '../ui/modal.tsx';
import { formatLabels, visible } from '../util/labels.ts';
import { PALETTE_ROWS_MAX } from '../util/limits.ts';
import { findEntries } from '../util/palette-search.ts';
import { linkToExplore } from '../util/url-state.ts';
import { PLACES } from './places.ts';

interface Entry {
  readonly text: string;
  readonly hint: string;
  readonly to: Place;
}

const PLACE_ENTRIES: readonly Entry[] = PLACES.map(({ name, answers, path }) => ({
  text: name,
  hint: answers,
  to: { path, search: '' },
}));

export function Palette({ onClose }: { readonly onClose: () => void }): ReactNode {
  const [text, setText] = useState('');
  const [picked, setPicked] = useState(0);
  const { data: names, error } = useRequest('names', 'names', metricNamesStored);
  const entries = useMemo(() => [...PLACE_ENTRIES, ...(names ?? []).map(metricEntry)], [names]);
  const found = useMemo(
    () => (text.trim() === '' ? PLACE_ENTRIES : findEntries(entries, text, PALETTE_ROWS_MAX)),
    [entries, text],
  );
  const at = Math.min(picked, found.length - 1);
  const go = (to: Place): void => {
    onClose();
    navigate(to, { replace: false });
  };
  const onKey = (event: KeyboardEvent): void => {
    const entry = found[at];
    if (event.key === 'Enter' && entry !== undefined) go(entry.to);
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
        aria-label="Place or metric"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={found[at] && `palette-${at}`}
        placeholder="Go to a place or a metric"
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setPicked(0);
        }}
        onKeyDown={onKey}
      />
      <ul id="palette-list" className="palette-list" role="listbox" aria-label="Found">
        {found.map((entry, index) => (
          <li
            key={`${entry.to.path} ${entry.text}`}
            id={`palette-${index}`}
            role="option"
            aria-selected={index === at}
            onClick={() => go(entry.to)}
          >
            <span className="palette-text">{visible(entry.text)}</span>
            <span className="hint">{entry.hint}</span>
          </li>
        ))}
      </ul>
      {found.length === 0 && <p className="hint">No place and no metric is called that.</p>}
      {error !== undefined && <p className="hint">Metrics cannot be had: {error.message}</p>}
    </Modal>
  );
}

function metricEntry(name: string): Entry {
  const search = linkToExplore(formatLabels({ __name__: name }));
  return { text: name, hint: 'Draw it', to: { path: 'explore', search } };
}
