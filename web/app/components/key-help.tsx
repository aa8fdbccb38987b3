/** The list of keys, opened by `?`. */
import type { ReactNode } from 'react';
import { Modal } from '../ui/modal.tsx';

const KEYS: readonly (readonly [string, string])[] = [
  ['/', 'Go to the query'],
  ['Ctrl Enter', 'Run the query'],
  ['Ctrl K', 'Go to a place or a metric'],
  ['Ctrl Space', 'Offer names, labels, functions'],
  ['t', 'Change the time range'],
  ['?', 'Show this list'],
  ['Esc', 'Close what is open'],
];

export function KeyHelp({ onClose }: { readonly onClose: () => void }): ReactNode {
  return (
    <Modal label="Keyboard" onClose={onClose}>
      <h2>Keyboard</h2>
      <dl className="keys">
        {KEYS.map(([key, what]) => (
          <div key={key}>
            <dt>
              {key.split(' ').map((part) => (
                <kbd key={part}>{part}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <h2>On a chart</h2>
      <dl className="keys">
        <div>
          <dt>Drag</dt>
          <dd>Zoom in; the browser’s back returns</dd>
        </div>
        <div>
          <dt>Click a legend row</dt>
          <dd>Show only that series; with Ctrl, add or remove it</dd>
        </div>
      </dl>
      <button type="button" className="button" onClick={onClose}>
        Close
      </button>
    </Modal>
  );
}
