/** The open time control: typed ends at the left, quick ranges at the right, the zone below. */
import {
  useEffect,
  useRef,
  useState,
  type FormEvent,
  type KeyboardEvent,
  type ReactNode,
} from 'react';
import { describeEnd, parseRange, QUICK_RANGES, type TimeRange, type Zone } from '../util/time.ts';
import type { ViewTime } from '../util/url-state.ts';

interface TimePanelProps {
  readonly time: ViewTime;
  readonly onPick: (range: TimeRange) => void;
  readonly onTime: (time: ViewTime) => void;
  readonly onClose: () => void;
}

export function TimePanel({ time, onPick, onTime, onClose }: TimePanelProps): ReactNode {
  const onKey = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape') return;
    event.stopPropagation();
    onClose();
  };
  return (
    <div className="time-panel" role="dialog" aria-label="Time range" onKeyDown={onKey}>
      {/* A new zone shows the same moments in other words, so the fields start over. */}
      <TypedRange key={time.zone} time={time} onPick={onPick} />
      <ul className="quick-ranges" aria-label="Quick ranges">
        {QUICK_RANGES.map(({ from, label }) => (
          <li key={from}>
            <button
              type="button"
              aria-pressed={time.range.from === from && time.range.to === 'now'}
              onClick={() => onPick({ from, to: 'now' })}
            >
              {label}
            </button>
          </li>
        ))}
      </ul>
      <fieldset className="zones">
        <legend>Show times in</legend>
        {(['local', 'utc'] as const).map((zone) => (
          <label key={zone}>
            <input
              type="radio"
              name="zone"
              checked={time.zone === zone}
              onChange={() => onTime({ ...time, zone })}
            />
            {zoneName(zone)}
          </label>
        ))}
      </fieldset>
    </div>
  );
}

interface TypedRangeProps {
  readonly time: ViewTime;
  readonly onPick: (range: TimeRange) => void;
}

function TypedRange({ time, onPick }: TypedRangeProps): ReactNode {
  const [from, setFrom] = useState(describeEnd(time.range.from, time.zone));
  const [to, setTo] = useState(describeEnd(time.range.to, time.zone));
  const [error, setError] = useState('');
  const firstRef = useRef<HTMLInputElement>(null);
  useEffect(() => firstRef.current?.select(), []);
  const apply = (event: FormEvent): void => {
    event.preventDefault();
    const parsed = parseRange({ from, to }, time.zone, Date.now());
    if ('error' in parsed) setError(parsed.error);
    else onPick(parsed.range);
  };
  return (
    <form className="typed-range" onSubmit={apply}>
      <label>
        From
        <input
          ref={firstRef}
          value={from}
          onChange={(event) => setFrom(event.target.value)}
          spellCheck={false}
          aria-describedby="time-help"
        />
      </label>
      <label>
        To
        <input
          value={to}
          onChange={(event) => setTo(event.target.value)}
          spellCheck={false}
          aria-describedby="time-help"
        />
      </label>
      <p id="time-help" className={error === '' ? 'hint' : 'hint is-bad'} role="status">
        {error === '' ? 'now-6h, 2009-05-02 00:56, or seconds since 1970' : error}
      </p>
      <button type="submit" className="button primary">
        Apply
      </button>
    </form>
  );
}

function zoneName(zone: Zone): string {
  if (zone === 'utc') return 'UTC';
  return `Local (${Intl.DateTimeFormat().resolvedOptions().timeZone})`;
}
