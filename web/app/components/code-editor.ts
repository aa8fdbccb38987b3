/**
 * The highlighting editor, loaded on demand. It lives in a shadow root: there CodeMirror adopts its
 * style sheets instead of writing style elements, so the page's policy needs no 'unsafe-inline'.
 */
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import {
  bracketMatching,
  HighlightStyle,
  LanguageSupport,
  syntaxHighlighting,
} from '@codemirror/language';
import { EditorState, Prec, type Extension } from '@codemirror/state';
import { drawSelection, EditorView, keymap, placeholder } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { LanguageType, promQLLanguage } from '@prometheus-io/codemirror-promql';

export interface CodeEditor {
  readonly focus: () => void;
  /** Replaces the text when it differs; the caret goes to the end. */
  readonly setValue: (value: string) => void;
  readonly destroy: () => void;
}

export interface CodeEditorOptions {
  readonly value: string;
  readonly caret: number;
  readonly onChange: (value: string) => void;
}

export function createCodeEditor(host: HTMLElement, options: CodeEditorOptions): CodeEditor {
  // One root for the host's life: the platform offers no way to detach it.
  const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' });
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: options.value,
      selection: { anchor: Math.min(options.caret, options.value.length) },
      extensions: extensions(options.onChange),
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
    destroy: () => view.destroy(),
  };
}

function extensions(onChange: (value: string) => void): Extension[] {
  return [
    // The page runs the query on this key; here it only must not break the line.
    Prec.highest(keymap.of([{ key: 'Mod-Enter', run: () => true }])),
    history(),
    drawSelection(),
    bracketMatching(),
    EditorView.lineWrapping,
    placeholder('A PromQL query, for example up'),
    EditorView.contentAttributes.of({ 'aria-label': 'Query', spellcheck: 'false' }),
    keymap.of([...defaultKeymap, ...historyKeymap]),
    new LanguageSupport(promQLLanguage(LanguageType.PromQL)),
    syntaxHighlighting(HIGHLIGHT),
    THEME,
    EditorView.updateListener.of((update) => {
      if (update.docChanged) onChange(update.state.doc.toString());
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
});
