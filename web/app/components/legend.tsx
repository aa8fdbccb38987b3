/**
 * The legend as a sortable table: last, min, mean, max of each series. A click isolates a series, a
 * click with Ctrl, Command or Shift adds or removes one, a click on the only one shows all again.
 * Long legends are shown in portions and can be searched.
 */
import { useMemo, useState, type MouseEvent, type ReactNode } from 'react';
import { Swatch } from '../ui/swatch.tsx';
import { LEGEND_ROWS_MAX } from '../util/limits.ts';
import type { ChartSeries } from '../util/series.ts';
import { formatValue, type Unit } from '../util/unit.ts';
import { LegendHead, type LegendSort } from './legend-head.tsx';

interface LegendProps {
  readonly series: readonly ChartSeries[];
  readonly unit: Unit;
  readonly shown: ReadonlySet<string> | undefined;
  readonly onPick: (key: string, isAdding: boolean) => void;
}

/** A legend longer than this can be searched. */
const FILTER_FROM = 12;

export function Legend({ series, unit, shown, onPick }: LegendProps): ReactNode {
  const [sort, setSort] = useState<LegendSort>({ column: 'last', isDescending: true });
  const [rowsMax, setRowsMax] = useState(LEGEND_ROWS_MAX);
  const [filter, setFilter] = useState('');
  const sorted = useMemo(() => {
    const text = filter.trim().toLowerCase();
    const found = series.filter(({ name }) => name.toLowerCase().includes(text));
    return sortSeries(found, sort);
  }, [series, sort, filter]);
  const rows = sorted.slice(0, rowsMax);
  const pick = (key: string, event: MouseEvent): void =>
    onPick(key, event.ctrlKey || event.metaKey || event.shiftKey);
  return (
    <section className="legend" aria-label="Legend">
      {series.length > FILTER_FROM && (
        <input
          type="search"
          className="legend-filter"
          aria-label="Find series"
          placeholder={`Find in ${series.length.toLocaleString('en')} series`}
          value={filter}
          onChange={(event) => setFilter(event.target.value)}
        />
      )}
      <table>
        <LegendHead sort={sort} onSort={setSort} />
        <tbody>
          {rows.map((entry) => (
            <LegendRow
              key={entry.key}
              entry={entry}
              unit={unit}
              isShown={shown?.has(entry.key) ?? true}
              onPick={pick}
            />
          ))}
        </tbody>
      </table>
      {rows.length < sorted.length && (
        <button
          type="button"
          className="button"
          onClick={() => setRowsMax(rowsMax + LEGEND_ROWS_MAX)}
        >
          Show {Math.min(LEGEND_ROWS_MAX, sorted.length - rows.length)} more of{' '}
          {sorted.length.toLocaleString('en')} rows
        </button>
      )}
    </section>
  );
}

interface LegendRowProps {
  readonly entry: ChartSeries;
  readonly unit: Unit;
  readonly isShown: boolean;
  readonly onPick: (key: string, event: MouseEvent) => void;
}

function LegendRow({ entry, unit, isShown, onPick }: LegendRowProps): ReactNode {
  return (
    <tr className={isShown ? '' : 'is-hidden'}>
      <th scope="row">
        <button
          type="button"
          className="legend-name"
          aria-pressed={isShown}
          title="Click: only this series. Ctrl-click: add or remove."
          onClick={(event) => onPick(entry.key, event)}
        >
          <Swatch style={entry.style} />
          <span className="legend-text">{entry.name}</span>
        </button>
      </th>
      {(['last', 'min', 'mean', 'max'] as const).map((column) => (
        <td key={column} className="num" title={entry.stats && String(entry.stats[column])}>
          {entry.stats === undefined ? '–' : formatValue(entry.stats[column], entry.unit ?? unit)}
        </td>
      ))}
    </tr>
  );
}

function sortSeries(series: readonly ChartSeries[], sort: LegendSort): ChartSeries[] {
  const { column, isDescending } = sort;
  const sign = isDescending ? -1 : 1;
  return series.toSorted((a, b) => {
    if (column === 'name') return sign * (a.name < b.name ? -1 : 1);
    // Series without a value stay at the bottom in both directions.
    if (a.stats === undefined || b.stats === undefined) {
      return Number(a.stats === undefined) - Number(b.stats === undefined);
    }
    return sign * (a.stats[column] - b.stats[column]) || (a.name < b.name ? -1 : 1);
  });
}
