/**
 * The one time control, top right on every place: quick ranges, typed ranges, refresh, and the zone
 * times are shown in. `t` opens it.
 */
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { useKeys } from '../hooks/use-keys.ts';
import { describeRange, isRelative, type TimeRange } from '../util/time.ts';
import { REFRESH_CHOICES, type RefreshSec, type ViewTime } from '../util/url-state.ts';
import { TimePanel } from './time-panel.tsx';

interface TimeControlProps {
  readonly time: ViewTime;
  readonly onTime: (time: ViewTime) => void;
}

const REFRESH_NAMES: Readonly<Record<RefreshSec, string>> = {
  0: 'Refresh off',
  5: 'Every 5 s',
  15: 'Every 15 s',
  60: 'Every minute',
};

export function TimeControl({ time, onTime }: TimeControlProps): ReactNode {
  const [isOpen, setIsOpen] = useState(false);
  const rootRef = useRef<HTMLDivElement>(null);
  const buttonRef = useRef<HTMLButtonElement>(null);
  useKeys({ t: () => setIsOpen((old) => !old) });
  useEffect(() => {
    if (!isOpen) return undefined;
    const onPointer = (event: PointerEvent): void => {
      if (rootRef.current?.contains(event.target as Node) === false) setIsOpen(false);
    };
    document.addEventListener('pointerdown', onPointer);
    return () => document.removeEventListener('pointerdown', onPointer);
  }, [isOpen]);
  const close = (): void => {
    setIsOpen(false);
    buttonRef.current?.focus();
  };
  const pick = (range: TimeRange): void => {
    close();
    onTime({ ...time, range, refreshSec: isRelative(range) ? time.refreshSec : 0 });
  };
  return (
    <div className="time-control" ref={rootRef}>
      <button
        ref={buttonRef}
        type="button"
        className="button time-button"
        aria-expanded={isOpen}
        aria-haspopup="dialog"
        onClick={() => setIsOpen(!isOpen)}
      >
        <span className="visually-hidden">Time range: </span>
        {describeRange(time.range, time.zone)}
        {time.zone === 'utc' && <span className="time-zone">UTC</span>}
      </button>
      <select
        className="button"
        aria-label="Refresh"
        value={time.refreshSec}
        onChange={(event) => {
          const sec = Number(event.target.value);
          const refreshSec = REFRESH_CHOICES.find((choice) => choice === sec) ?? 0;
          onTime({ ...time, refreshSec });
        }}
      >
        {REFRESH_CHOICES.map((choice) => (
          <option key={choice} value={choice}>
            {REFRESH_NAMES[choice]}
          </option>
        ))}
      </select>
      {isOpen && <TimePanel time={time} onPick={pick} onTime={onTime} onClose={close} />}
    </div>
  );
}
