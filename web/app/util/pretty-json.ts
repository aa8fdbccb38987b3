/**
 * JSON laid out for reading: two spaces a level, but a sample or a bucket (a list without objects
 * or lists of lists) on one line. Works on the text, so that no digit changes, and stops at
 * `charsMax`.
 */
export interface PrettyJson {
  readonly text: string;
  readonly isCut: boolean;
}

export function prettyJson(source: string, charsMax: number): PrettyJson {
  let text = '';
  let depth = 0;
  const tokens =
    /"(?:[^"\\]|\\.)*"|\[(?:[^[\]{}"]|"(?:[^"\\]|\\.)*")*\]|\{\}|[{}[\],:]|[^\s{}[\],:"]+/g;
  for (const [token] of source.matchAll(tokens)) {
    if (text.length >= charsMax) return { text: `${text}…`, isCut: true };
    if (token === '{' || token === '[') {
      depth += 1;
      text += `${token}${lineBreak(depth)}`;
    } else if (token === '}' || token === ']') {
      depth -= 1;
      text += `${lineBreak(depth)}${token}`;
    } else if (token === ',') text += `,${lineBreak(depth)}`;
    else if (token === ':') text += ': ';
    else text += token;
  }
  return { text, isCut: false };
}

function lineBreak(depth: number): string {
  return `\n${'  '.repeat(Math.max(0, depth))}`;
}
