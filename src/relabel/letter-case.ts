// Lower and upper case letter by letter, as Go's strings.ToLower and ToUpper map them: one code
// point becomes one, whatever stands around it. JavaScript maps whole texts (`ß` becomes `SS`, a
// sigma at the end of a word another sigma). Source: Unicode, UnicodeData.txt (simple mappings).

/** Their lower case in JavaScript is two code points. */
const LOWER: ReadonlyMap<string, string> = new Map([['\u0130', 'i']]);

/** Greek letters with iota below, whose upper case in JavaScript is two: U+1F80 to U+1FFC. */
const WITH_IOTA: readonly (readonly [first: number, last: number, distance: number])[] = [
  [0x1f80, 0x1f87, 8],
  [0x1f90, 0x1f97, 8],
  [0x1fa0, 0x1fa7, 8],
  [0x1fb3, 0x1fb3, 9],
  [0x1fc3, 0x1fc3, 9],
  [0x1ff3, 0x1ff3, 9],
];

export function lowerCase(text: string): string {
  return mapped(text, (letter) => LOWER.get(letter) ?? single(letter, letter.toLowerCase()));
}

export function upperCase(text: string): string {
  return mapped(text, (letter) => {
    const point = letter.codePointAt(0)!;
    const iota = WITH_IOTA.find(([first, last]) => point >= first && point <= last);
    if (iota !== undefined) return String.fromCodePoint(point + iota[2]);
    return single(letter, letter.toUpperCase());
  });
}

function mapped(text: string, map: (letter: string) => string): string {
  return Array.from(text, map).join('');
}

/** What the letter becomes where that is one code point, else the letter. */
function single(letter: string, to: string): string {
  return to.length === String.fromCodePoint(to.codePointAt(0)!).length ? to : letter;
}
