// Breaks comment lines that are too wide, the one finding that needs no thought. Words that do not
// fit move to the next line of the same paragraph, or to a new line; nothing else is touched.
import { LINE_COLUMNS_MAX } from './source-rules.ts';

/** Indentation, then `// ` or ` * `, then text. */
const COMMENT_LINE = /^(\s*(?:\/\/|\*) )(\S.*)$/;
const ONE_LINE_BLOCK = /^(\s*)\/\*\* (.*) \*\/$/;
/** Opens a list item, a table, a tag or a drawing: not the rest of the sentence above. */
const NEW_PARAGRAPH = /^(?:[-*|@+]|\d+\.|Usage:)/;

/** The same text with every comment line at most LINE_COLUMNS_MAX wide where words allow it. */
export function rewrapComments(text: string): string {
  const waiting = text.split('\n').toReversed();
  const done: string[] = [];
  for (let line = waiting.pop(); line !== undefined; line = waiting.pop()) {
    if (line.length <= LINE_COLUMNS_MAX || line.includes('://')) {
      done.push(line);
      continue;
    }
    const block = ONE_LINE_BLOCK.exec(line);
    if (block !== null) {
      const [, indent = '', words = ''] = block;
      waiting.push(`${indent} */`, `${indent} * ${words}`, `${indent}/**`);
      continue;
    }
    const [head, rest] = splitComment(line);
    done.push(head);
    if (rest === undefined) continue;
    const next = waiting.at(-1);
    const continued = next === undefined ? null : COMMENT_LINE.exec(next);
    if (continued?.[1] === rest.prefix && !NEW_PARAGRAPH.test(continued[2] ?? '')) {
      waiting.pop();
      waiting.push(`${rest.prefix}${rest.words} ${continued[2]}`);
    } else {
      waiting.push(rest.prefix + rest.words);
    }
  }
  return done.join('\n');
}

/**
 * What fits, and what does not; all of it fits when the line is no comment or has no place to
 * break.
 */
function splitComment(line: string): [string, { prefix: string; words: string }?] {
  const prefix = COMMENT_LINE.exec(line)?.[1];
  if (prefix === undefined || line.endsWith('*/')) return [line];
  const at = line.lastIndexOf(' ', LINE_COLUMNS_MAX);
  if (at < prefix.length) return [line];
  return [line.slice(0, at), { prefix, words: line.slice(at + 1) }];
}
