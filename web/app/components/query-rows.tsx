/**
 * The queries of a view, one field each with its letter; the first line runs them all. A query can
 * be switched off and keeps its place.
 */
import { useEffect, useImperativeHandle, useRef, type ReactNode, type Ref } from 'react';
import { tryPosition } from '../util/error-words.ts';
import { letterOf } from '../util/ask-all.ts';
import type { ServerFault } from './code-editor.ts';
import { QueryEditor, type QueryEditorHandle } from './query-editor.tsx';
import type { Failed } from './result-view.ts';

/** One field: what is typed and what is asked may differ until it is run. */
export interface QueryRow {
  readonly id: number;
  readonly text: string;
  readonly isOff: boolean;
  /** The text can be parsed, as far as the editor knows. */
  readonly isValid: boolean;
  /** The query of the address in this row. */
  readonly asked: string;
}

export interface QueryRowsHandle {
  readonly focus: () => void;
  /** Replaces what is typed in one row. */
  readonly setText: (id: number, text: string) => void;
}

interface QueryRowsProps {
  readonly rows: readonly QueryRow[];
  readonly failed: readonly Failed[];
  readonly onText: (id: number, text: string, isValid: boolean) => void;
  readonly onToggle: (id: number) => void;
  readonly onRemove: (id: number) => void;
  readonly ref: Ref<QueryRowsHandle>;
}

export function QueryRows({ ref, ...props }: QueryRowsProps): ReactNode {
  const { rows, failed, onText, onToggle, onRemove } = props;
  const editors = useRef(new Map<number, QueryEditorHandle>());
  useImperativeHandle(ref, () => ({
    focus: () => {
      const last = rows.at(-1);
      const empty = rows.find(({ text }) => text === '') ?? (rows.length === 1 ? last : rows[0]);
      if (empty !== undefined) editors.current.get(empty.id)?.focus();
    },
    setText: (id, text) => editors.current.get(id)?.setValue(text),
  }));
  const countRef = useRef(rows.length);
  useEffect(() => {
    // A row that was added is there to be typed into.
    if (rows.length > countRef.current) editors.current.get(rows.at(-1)?.id ?? 0)?.focus();
    countRef.current = rows.length;
  }, [rows]);
  const isAlone = rows.length === 1;
  return rows.map((row, index) => {
    const letter = letterOf(index);
    const name = isAlone ? 'Query' : `Query ${letter}`;
    return (
      <div key={row.id} className={row.isOff ? 'query is-off' : 'query'}>
        {!isAlone && (
          <button
            type="button"
            className="button letter-button"
            aria-pressed={!row.isOff}
            aria-label={`Ask ${letter}`}
            title={row.isOff ? 'Ask this query again' : 'Leave this query out'}
            onClick={() => onToggle(row.id)}
          >
            {letter}
          </button>
        )}
        <QueryEditor
          ref={(editor) => {
            if (editor !== null) editors.current.set(row.id, editor);
            return () => void editors.current.delete(row.id);
          }}
          label={name}
          value={row.text}
          asked={row.asked}
          fault={faultOf(failed.find((one) => one.index === index))}
          onChange={(text, isValid) => onText(row.id, text, isValid)}
        />
        {index === 0 && (
          <button type="submit" className="button primary run" title="Ctrl Enter">
            Run
          </button>
        )}
        {index > 0 && (
          <button
            type="button"
            className="button remove"
            aria-label={`Remove ${letter}`}
            onClick={() => onRemove(row.id)}
          >
            Remove
          </button>
        )}
      </div>
    );
  });
}

function faultOf(failed: Failed | undefined): ServerFault | undefined {
  const position = failed && tryPosition(failed.error.message);
  if (failed === undefined || position === undefined) return undefined;
  return { expr: failed.expr, position, message: failed.error.message };
}
