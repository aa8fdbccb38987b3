/**
 * What is typed into the rows of Explore. Going back or opening a link brings the queries of the
 * address into the rows; running them writes the rows into the address.
 */
import { useEffect, useRef, useState } from 'react';
import type { QueryRow } from '../components/query-rows.tsx';
import type { AskedQuery } from '../util/url-state.ts';

interface QueryRowsState {
  readonly rows: readonly QueryRow[];
  /** What was typed last, also before it is rendered: Ctrl-Enter may follow at once. */
  readonly latest: () => readonly AskedQuery[];
  readonly setText: (id: number, text: string, isValid: boolean) => void;
  readonly setOff: (id: number, isOff: boolean) => readonly AskedQuery[];
  readonly add: () => void;
  readonly remove: (id: number) => readonly AskedQuery[];
}

export function useQueryRows(queries: readonly AskedQuery[]): QueryRowsState {
  const [rows, setShown] = useState<readonly QueryRow[]>(() => toRows(queries, []));
  const latestRef = useRef(rows);
  const subject = JSON.stringify(queries);
  const [lastSubject, setLastSubject] = useState(subject);
  if (lastSubject !== subject) {
    setLastSubject(subject);
    setShown(toRows(queries, rows));
  }
  useEffect(() => {
    latestRef.current = rows;
  }, [rows]);
  const set = (next: readonly QueryRow[]): readonly AskedQuery[] => {
    latestRef.current = next;
    setShown(next);
    return toQueries(next);
  };
  const change = (id: number, part: Partial<QueryRow>): readonly AskedQuery[] =>
    set(latestRef.current.map((row) => (row.id === id ? { ...row, ...part } : row)));
  return {
    rows,
    latest: () => toQueries(latestRef.current),
    setText: (id, text, isValid) => void change(id, { text, isValid }),
    setOff: (id, isOff) => change(id, { isOff }),
    add: () => void set([...latestRef.current, rowOf('', latestRef.current)]),
    remove: (id) => set(latestRef.current.filter((row) => row.id !== id)),
  };
}

function toQueries(rows: readonly QueryRow[]): readonly AskedQuery[] {
  return rows.flatMap(({ text, isOff }) => {
    const expr = text.trim();
    return expr === '' ? [] : [{ expr, isOff }];
  });
}

/** Rows for the queries of the address: the old ones where they already say the same. */
function toRows(queries: readonly AskedQuery[], old: readonly QueryRow[]): readonly QueryRow[] {
  const filled = old.filter(({ text }) => text.trim() !== '');
  const isSame =
    filled.length === queries.length &&
    filled.every(({ text }, index) => text.trim() === queries[index]?.expr);
  const rows: QueryRow[] = [];
  for (const [index, { expr, isOff }] of queries.entries()) {
    const base = (isSame ? filled : old)[index] ?? rowOf(expr, [...old, ...rows]);
    const text = isSame ? base.text : expr;
    rows.push({ ...base, text, isOff, asked: expr });
  }
  return rows.length === 0 ? [{ ...(old[0] ?? rowOf('', [])), text: '', asked: '' }] : rows;
}

function rowOf(text: string, others: readonly QueryRow[]): QueryRow {
  const id = Math.max(0, ...others.map((row) => row.id)) + 1;
  return { id, text, isOff: false, isValid: true, asked: text };
}
