/**
 * The highlighting editor, loaded on demand. It lives in a shadow root: there CodeMirror adopts its
 * style sheets instead of writing style elements, so the page's policy needs no 'unsafe-inline'.
 */
import {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  closeCompletion,
  completionKeymap,
} from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { bracketMatching, HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { forceLinting, linter, type Diagnostic } from '@codemirror/lint';
import { EditorState, Prec, type Extension } from '@codemirror/state';
import { drawSelection, EditorView, keymap, placeholder } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { PromQLExtension } from '@prometheus-io/codemirror-promql';
import type { TextPosition } from '../util/error-words.ts';
import { compareByUse } from '../util/completion-order.ts';
import { COMPLETION_NAMES_MAX } from '../util/limits.ts';

/** What the server found wrong in a text that it was asked. */
export interface ServerFault {
  readonly expr: string;
  readonly position: TextPosition;
  readonly message: string;
}

export interface CodeEditor {
  readonly focus: () => void;
  /** Replaces the text when it differs; the caret goes to the end. */
  readonly setValue: (value: string) => void;
  readonly setLabel: (label: string) => void;
  /** Marks the place while the text is the one that was asked. */
  readonly setFault: (fault: ServerFault | undefined) => void;
  readonly destroy: () => void;
}

export interface CodeEditorOptions {
  readonly value: string;
  readonly caret: number;
  /** Accessible name of the field. */
  readonly label: string;
  /** `isValid`: the text can be parsed. */
  readonly onChange: (value: string, isValid: boolean) => void;
}

export function createCodeEditor(host: HTMLElement, options: CodeEditorOptions): CodeEditor {
  // One root for the host's life: the platform offers no way to detach it.
  const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' });
  let fault: ServerFault | undefined;
  let { label } = options;
  const promql = promqlSupport();
  const check = (view: EditorView): readonly Diagnostic[] => {
    const found = promql.getLinter().promQL()(view);
    // The linter of the language answers at once; its type allows a promise.
    const own = Array.isArray(found) ? (found as readonly Diagnostic[]) : [];
    return [...own, ...faultMarks(view.state, fault)];
  };
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: options.value,
      selection: { anchor: Math.min(options.caret, options.value.length) },
      extensions: [
        promql.asExtension(),
        linter(check, { delay: LINT_AFTER_MS }),
        ...extensions(options.onChange, check),
        EditorView.contentAttributes.of(() => ({ 'aria-label': label, spellcheck: 'false' })),
      ],
    }),
  });
  return {
    focus: () => view.focus(),
    setValue: (value) => {
      const length = view.state.doc.length;
      if (view.state.doc.toString() === value) return;
      view.dispatch({
        changes: { from: 0, to: length, insert: value },
        selection: { anchor: value.length },
      });
    },
    setLabel: (next) => {
      label = next;
      view.dispatch({});
    },
    setFault: (next) => {
      fault = next;
      forceLinting(view);
    },
    destroy: () => {
      view.destroy();
      promql.destroy();
    },
  };
}

/** A pause in typing before mistakes are marked. */
const LINT_AFTER_MS = 500;

/** Names, labels and values come from the public API, functions and their help from the package. */
function promqlSupport(): PromQLExtension {
  const url = new URL('.', document.baseURI).href.replace(/\/$/, '');
  return new PromQLExtension()
    .setComplete({
      remote: { url, fetchFn: fetchSome, httpMethod: 'GET', httpErrorHandler: sayNoNames },
    })
    .activateLinter(false);
}

const fetchSome: typeof fetch = async (input, init) => {
  const limited = new URL(input instanceof Request ? input.url : input);
  limited.searchParams.set('limit', String(COMPLETION_NAMES_MAX));
  return fetch(limited, init);
};

/** Completion is a courtesy: without an answer the editor offers functions and keywords alone. */
function sayNoNames(error: unknown): void {
  console.info('No names to offer:', error);
}

function faultMarks(state: EditorState, fault: ServerFault | undefined): readonly Diagnostic[] {
  if (fault === undefined || state.doc.toString().trim() !== fault.expr) return [];
  const lead = state.doc.toString().indexOf(fault.expr);
  const lines = fault.expr.split('\n').slice(0, fault.position.line - 1);
  const before = lines.reduce((sum, line) => sum + line.length + 1, lead);
  const from = Math.min(before + fault.position.column - 1, state.doc.length);
  const word = /^[\w:.]+/.exec(state.sliceDoc(from))?.[0].length ?? 1;
  const to = Math.min(from + word, state.doc.length);
  // At the very end there is nothing to underline; the last character stands for it.
  return [
    { from: Math.min(from, Math.max(0, to - 1)), to, severity: 'error', message: fault.message },
  ];
}

function extensions(
  onChange: CodeEditorOptions['onChange'],
  check: (view: EditorView) => readonly Diagnostic[],
): Extension[] {
  return [
    // The page runs the query on this key; here it only must not break the line.
    Prec.highest(keymap.of([{ key: 'Mod-Enter', run: (view) => closeCompletion(view) || true }])),
    history(),
    drawSelection(),
    bracketMatching(),
    closeBrackets(),
    autocompletion({ icons: false, closeOnBlur: true, compareCompletions: compareByUse }),
    EditorView.lineWrapping,
    placeholder('A PromQL query, for example up'),
    keymap.of([...closeBracketsKeymap, ...completionKeymap, ...defaultKeymap, ...historyKeymap]),
    syntaxHighlighting(HIGHLIGHT),
    THEME,
    EditorView.updateListener.of((update) => {
      if (!update.docChanged) return;
      const isValid = check(update.view).every(({ severity }) => severity !== 'error');
      onChange(update.state.doc.toString(), isValid);
    }),
  ];
}

const HIGHLIGHT = HighlightStyle.define([
  { tag: [tags.keyword, tags.modifier, tags.operatorKeyword], color: 'var(--code-keyword)' },
  { tag: [tags.function(tags.variableName)], color: 'var(--code-function)' },
  { tag: [tags.labelName, tags.propertyName], color: 'var(--code-label)' },
  { tag: [tags.string, tags.character], color: 'var(--code-string)' },
  { tag: [tags.number, tags.bool], color: 'var(--code-number)' },
  { tag: tags.comment, color: 'var(--fg-2)', fontStyle: 'italic' },
  { tag: tags.invalid, textDecoration: 'underline wavy var(--bad)' },
]);

const THEME = EditorView.theme({
  '&': { fontSize: '14px', color: 'var(--fg)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '20px' },
  '.cm-content': { padding: '0', caretColor: 'var(--fg)' },
  '.cm-line': { padding: '0' },
  '.cm-cursor': { borderLeftColor: 'var(--fg)' },
  '.cm-placeholder': { color: 'var(--fg-2)' },
  '.cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground':
    { background: 'var(--selection)' },
  '&.cm-focused .cm-matchingBracket': { background: 'var(--selection)' },
  // The package's own waves are images in data: addresses, which the page's policy forbids.
  '.cm-lintRange': { backgroundImage: 'none' },
  '.cm-lintRange-error': { textDecoration: 'underline wavy var(--bad)' },
  '.cm-lintRange-warning': { textDecoration: 'underline wavy var(--warn)' },
  '.cm-tooltip': {
    zIndex: '20',
    border: '1px solid var(--control)',
    borderRadius: '4px',
    backgroundColor: 'var(--raised)',
    color: 'var(--fg)',
    fontFamily: 'var(--sans)',
    fontSize: '13px',
    lineHeight: '20px',
  },
  '.cm-tooltip.cm-completionInfo': { backgroundColor: 'var(--raised)' },
  '.cm-diagnostic': { padding: '4px 8px', borderLeft: '3px solid var(--bad)', maxWidth: '560px' },
  '.cm-diagnostic-warning': { borderColor: 'var(--warn)' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': {
    maxHeight: '288px',
    fontFamily: 'var(--mono)',
    fontSize: '13px',
  },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li': { padding: '0 8px', lineHeight: '24px' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]': {
    background: 'var(--accent-soft)',
    color: 'var(--fg)',
  },
  '.cm-completionMatchedText': { textDecoration: 'none', fontWeight: '700' },
  '.cm-completionDetail': {
    fontStyle: 'normal',
    color: 'var(--fg-2)',
    fontFamily: 'var(--sans)',
    fontSize: '12px',
  },
  '.cm-completionInfo': { maxWidth: '320px', padding: '4px 8px' },
});
