/** The one value in a card's head. It ends at the card's edge whatever its length. */
import type { ReactNode } from 'react';

/** Holds the line's height until the first answer. */
const NO_VALUE = '\u00A0';

interface PanelNowProps {
  readonly text: string | undefined;
  /** The last refresh failed: the value is of an earlier one. */
  readonly isOld: boolean;
}

export function PanelNow({ text = NO_VALUE, isOld }: PanelNowProps): ReactNode {
  // A new element for a new text: its other start at the left is no shift of the layout.
  return (
    <span key={`${text} ${isOld}`} className="panel-now num">
      {isOld && text !== NO_VALUE && <span className="hint">not refreshed </span>}
      {text}
    </span>
  );
}
