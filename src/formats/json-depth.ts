// How deep a JSON text is nested, told without parsing it: what walks the parsed value with a stack
// (a reviver of JSON.parse does) must not be given one that is deeper than the stack.

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_MAP = 0x7b;
const CLOSE_MAP = 0x7d;

/** Is it deeper than `most`? Of a text that is no JSON the answer means nothing. */
export function isNestedDeeper(json: string, most: number): boolean {
  let depth = 0;
  let isInString = false;
  for (let i = 0; i < json.length; i++) {
    const code = json.charCodeAt(i);
    if (code === QUOTE) isInString = !isInString;
    else if (isInString) {
      if (code === BACKSLASH) i++;
    } else if (code === OPEN_LIST || code === OPEN_MAP) {
      if (++depth > most) return true;
    } else if (code === CLOSE_LIST || code === CLOSE_MAP) depth--;
  }
  return false;
}
