/** Copies a text and says that it did, to eyes and to screen readers. */
import { useEffect, useState, type ReactNode } from 'react';

const SAID_MS = 2000;

interface CopyButtonProps {
  readonly text: string;
  /** What is copied, for the accessible name: “Copy the curl line”. */
  readonly what: string;
  /** What the button shows. */
  readonly label?: string;
}

export function CopyButton({ text, what, label = 'Copy' }: CopyButtonProps): ReactNode {
  const [said, setSaid] = useState('');
  useEffect(() => {
    if (said === '') return undefined;
    const timer = setTimeout(() => setSaid(''), SAID_MS);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = (): void => {
    navigator.clipboard.writeText(text).then(
      () => setSaid('Copied'),
      // Without a secure context or permission the text can still be selected by hand.
      () => setSaid('Select it'),
    );
  };
  return (
    <button type="button" className="button copy" onClick={copy}>
      <span aria-live="polite">{said === '' ? label : said}</span>
      <span className="visually-hidden"> {what}</span>
    </button>
  );
}
