/**
 * The query field. It starts as a plain text area that works at once; the highlighting editor is
 * loaded when the browser is idle or the field is focused, and takes over text, focus and caret.
 */
import { useEffect, useImperativeHandle, useRef, useState, type ReactNode, type Ref } from 'react';
import type { CodeEditor, ServerFault } from './code-editor.ts';

export interface QueryEditorHandle {
  readonly focus: () => void;
  readonly setValue: (value: string) => void;
}

interface QueryEditorProps {
  readonly value: string;
  /** The query of the address. A change of it replaces the text; typing never does. */
  readonly asked: string;
  readonly label: string;
  readonly fault: ServerFault | undefined;
  readonly onChange: (value: string, isValid: boolean) => void;
  readonly ref: Ref<QueryEditorHandle>;
}

/** Idle may never come on a busy page; then the editor loads after this long. */
const IDLE_MAX_MS = 2000;

export function QueryEditor(props: QueryEditorProps): ReactNode {
  const { value, asked, label, fault, onChange, ref } = props;
  const areaRef = useRef<HTMLTextAreaElement>(null);
  const hostRef = useRef<HTMLDivElement>(null);
  const madeRef = useRef<CodeEditor | undefined>(undefined);
  const [editor, load] = useCodeEditor({ areaRef, hostRef, madeRef }, { value, label, onChange });
  useImperativeHandle(ref, () => ({
    focus: () => {
      // The field in sight, also in the moment between the take-over and the next render.
      const area = areaRef.current;
      if (area !== null && !area.hidden) area.focus();
      else madeRef.current?.focus();
    },
    setValue: (text) => {
      if (madeRef.current === undefined) onChange(text, true);
      else madeRef.current.setValue(text);
    },
  }));
  useEffect(() => editor?.setFault(fault), [editor, fault]);
  useEffect(() => editor?.setLabel(label), [editor, label]);
  // The editor owns what is typed. Handing each value back to it would undo the next keystroke
  // whenever a render comes late.
  const askedRef = useRef(asked);
  useEffect(() => {
    if (askedRef.current === asked) return;
    askedRef.current = asked;
    editor?.setValue(asked);
  }, [editor, asked]);
  return (
    <div className="editor">
      <div ref={hostRef} className="editor-host" hidden={editor === undefined} />
      {editor === undefined && (
        <textarea
          ref={areaRef}
          aria-label={label}
          rows={Math.max(1, value.split('\n').length)}
          value={value}
          placeholder="A PromQL query, for example up"
          spellCheck={false}
          autoCapitalize="off"
          autoComplete="off"
          onFocus={load}
          onChange={(event) => onChange(event.target.value, true)}
        />
      )}
    </div>
  );
}

interface EditorRefs {
  readonly areaRef: React.RefObject<HTMLTextAreaElement | null>;
  readonly hostRef: React.RefObject<HTMLDivElement | null>;
  /** The editor from the moment it takes over. */
  readonly madeRef: React.RefObject<CodeEditor | undefined>;
}

function useCodeEditor(
  { areaRef, hostRef, madeRef }: EditorRefs,
  options: {
    readonly value: string;
    readonly label: string;
    readonly onChange: (value: string, isValid: boolean) => void;
  },
): readonly [CodeEditor | undefined, () => void] {
  const [isWanted, setIsWanted] = useState(false);
  const [editor, setEditor] = useState<CodeEditor | undefined>(undefined);
  const latest = useRef(options);
  useEffect(() => {
    latest.current = options;
  });
  useEffect(() => {
    const want = (): void => setIsWanted(true);
    // Safari has no idle callback.
    if (!('requestIdleCallback' in window)) {
      const timer = setTimeout(want, IDLE_MAX_MS);
      return () => clearTimeout(timer);
    }
    const id = requestIdleCallback(want, { timeout: IDLE_MAX_MS });
    return () => cancelIdleCallback(id);
  }, []);
  useEffect(() => {
    if (!isWanted) return undefined;
    let made: CodeEditor | undefined;
    let isGone = false;
    const takeOver = async (): Promise<void> => {
      const { createCodeEditor } = await import('./code-editor.ts');
      const host = hostRef.current;
      if (isGone || host === null) return;
      const area = areaRef.current;
      const hadFocus = area !== null && document.activeElement === area;
      made = createCodeEditor(host, {
        value: area?.value ?? latest.current.value,
        caret: area?.selectionStart ?? 0,
        label: latest.current.label,
        onChange: (text, isValid) => latest.current.onChange(text, isValid),
      });
      madeRef.current = made;
      // Both in one step: two fields at once would push the page down for a frame.
      if (area !== null) area.hidden = true;
      host.hidden = false;
      if (hadFocus) made.focus();
      setEditor(made);
    };
    // Without it the plain text area goes on working; only the colours are missing.
    takeOver().catch((error: unknown) => console.info('The editor could not be loaded:', error));
    return () => {
      isGone = true;
      made?.destroy();
      madeRef.current = undefined;
      setEditor(undefined);
    };
  }, [isWanted, areaRef, hostRef, madeRef]);
  return [editor, () => setIsWanted(true)];
}
