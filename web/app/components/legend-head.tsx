/** Headings of the legend: each sorts by its column, again turns the order round. */
import type { ReactNode } from 'react';
import type { SeriesStats } from '../util/series.ts';

export type LegendColumn = 'name' | keyof SeriesStats;

export interface LegendSort {
  readonly column: LegendColumn;
  readonly isDescending: boolean;
}

interface LegendHeadProps {
  readonly sort: LegendSort;
  readonly onSort: (sort: LegendSort) => void;
}

const COLUMNS: readonly (readonly [LegendColumn, string])[] = [
  ['name', 'Series'],
  ['last', 'Last'],
  ['min', 'Min'],
  ['mean', 'Mean'],
  ['max', 'Max'],
];

export function LegendHead({ sort, onSort }: LegendHeadProps): ReactNode {
  const sortBy = (column: LegendColumn): void =>
    onSort({
      column,
      isDescending: sort.column === column ? !sort.isDescending : column !== 'name',
    });
  return (
    <thead>
      <tr>
        {COLUMNS.map(([column, label]) => (
          <th
            key={column}
            scope="col"
            className={column === 'name' ? '' : 'num'}
            aria-sort={ariaSort(sort, column)}
          >
            <button type="button" onClick={() => sortBy(column)}>
              {label}
              <span className="sort-mark" aria-hidden="true">
                {sort.column === column && (sort.isDescending ? '↓' : '↑')}
              </span>
            </button>
          </th>
        ))}
      </tr>
    </thead>
  );
}

function ariaSort(sort: LegendSort, column: LegendColumn): 'ascending' | 'descending' | 'none' {
  if (sort.column !== column) return 'none';
  return sort.isDescending ? 'descending' : 'ascending';
}
