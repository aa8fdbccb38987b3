/** Rows of an instant result: one column per label, those that differ first; sorted on request. */
import { useState, type ReactNode } from 'react';
import { useMetadata } from '../hooks/use-metadata.ts';
import { formatLabels, labelColumns, labelValue, visible } from '../util/labels.ts';
import { TABLE_LABEL_COLUMNS_MAX } from '../util/limits.ts';
import { formatValue, inferUnit } from '../util/unit.ts';
import type { InstantRow } from './instant-rows.ts';

interface InstantTableProps {
  readonly rows: readonly InstantRow[];
  readonly expr: string;
  /** Of its query; empty when there is one. */
  readonly letter: string;
}

/** Undefined column is the value. */
interface Sort {
  readonly label: string | undefined;
  readonly isDescending: boolean;
}

export function InstantTable({ rows, expr, letter }: InstantTableProps): ReactNode {
  const [sort, setSort] = useState<Sort | undefined>(undefined);
  const unit = inferUnit(expr, useMetadata([expr])[0]?.unit);
  const columns = labelColumns(rows.map((row) => row.labels)).slice(0, TABLE_LABEL_COLUMNS_MAX);
  const sortBy = (label: string | undefined): void =>
    setSort((old) => ({
      label,
      isDescending: old?.label === label ? !old?.isDescending : label === undefined,
    }));
  const header = (label: string | undefined, text: string): ReactNode => (
    <th
      key={text}
      scope="col"
      className={label === undefined ? 'num' : ''}
      aria-sort={aria(sort, label)}
    >
      <button type="button" onClick={() => sortBy(label)}>
        {text}
        <span className="sort-mark" aria-hidden="true">
          {sort !== undefined && sort.label === label && (sort.isDescending ? '↓' : '↑')}
        </span>
      </button>
    </th>
  );
  return (
    <div
      className="table-scroll"
      tabIndex={0}
      role="region"
      aria-label={letter === '' ? 'Result table' : `Result table of ${letter}`}
    >
      <table className="instant">
        <thead>
          <tr>
            {columns.map((label) =>
              header(label, label === '__name__' ? 'Metric' : visible(label)),
            )}
            {header(undefined, 'Value')}
            <th scope="col" className="num">
              Short
            </th>
          </tr>
        </thead>
        <tbody>
          {sortRows(rows, sort).map((row) => (
            <tr key={formatLabels(row.labels)}>
              {columns.map((label) => (
                <td key={label}>{visible(labelValue(row.labels, label))}</td>
              ))}
              <td className="num">{row.exact}</td>
              <td className="num">{row.value === undefined ? '' : formatValue(row.value, unit)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function aria(
  sort: Sort | undefined,
  label: string | undefined,
): 'ascending' | 'descending' | 'none' {
  if (sort === undefined || sort.label !== label) return 'none';
  return sort.isDescending ? 'descending' : 'ascending';
}

function sortRows(rows: readonly InstantRow[], sort: Sort | undefined): readonly InstantRow[] {
  if (sort === undefined) return rows;
  const sign = sort.isDescending ? -1 : 1;
  const { label } = sort;
  return rows.toSorted((a, b) => {
    if (label === undefined) return sign * ((a.value ?? 0) - (b.value ?? 0));
    const [left, right] = [labelValue(a.labels, label), labelValue(b.labels, label)];
    return left === right ? 0 : sign * (left < right ? -1 : 1);
  });
}
