// A text that a regular expression accepts, made by walking the expression itself: the first
// alternative of each group, one character of each class, each repetition as rarely as it may be
// but once where it may be. Good for what people write in matchers; whoever asks checks the answer.

const CLASS_CHARACTERS: Readonly<Record<string, string>> = {
  d: '5',
  w: 'w',
  s: ' ',
  D: 'd',
  W: '-',
  S: 's',
};
const ANY = 'x';

class Walker {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  alternatives(): string {
    let first: string | undefined;
    for (;;) {
      const one = this.#sequence();
      first ??= one;
      if (this.#text[this.#at] !== '|') return first;
      this.#at++;
    }
  }

  #sequence(): string {
    let out = '';
    while (this.#at < this.#text.length && !'|)'.includes(this.#text[this.#at]!)) {
      const atom = this.#atom();
      out += atom.repeat(this.#times());
    }
    return out;
  }

  #atom(): string {
    const letter = this.#text[this.#at++]!;
    switch (letter) {
      case '(':
        return this.#group();
      case '[':
        return this.#class();
      case '.':
        return ANY;
      case '^':
      case '$':
        return '';
      case '\\': {
        const escaped = this.#text[this.#at++] ?? '';
        return CLASS_CHARACTERS[escaped] ?? escaped;
      }
      default:
        return letter;
    }
  }

  #group(): string {
    const flags = /^\?(?:P?<\w+>|[a-z]*:)/.exec(this.#text.slice(this.#at));
    if (flags !== null) this.#at += flags[0].length;
    const inner = this.alternatives();
    this.#at++;
    return inner;
  }

  #class(): string {
    const end = this.#text.indexOf(']', this.#at + 1);
    const members = this.#text.slice(this.#at, end < 0 ? undefined : end);
    this.#at = end < 0 ? this.#text.length : end + 1;
    if (members.startsWith('\\')) return CLASS_CHARACTERS[members[1]!] ?? members[1]!;
    if (!members.startsWith('^')) return members[0] ?? '';
    return ['x', '0', '-', '_'].find((letter) => !members.includes(letter)) ?? 'x';
  }

  #times(): number {
    const mark = this.#text[this.#at];
    if (mark === '*' || mark === '+' || mark === '?') {
      this.#at++;
      if (this.#text[this.#at] === '?') this.#at++;
      return 1;
    }
    const counted = /^\{(\d+)(?:,\d*)?\}/.exec(this.#text.slice(this.#at));
    if (counted === null) return 1;
    this.#at += counted[0].length;
    return Number(counted[1]);
  }
}

export function fittingText(regex: string): string {
  return new Walker(regex).alternatives();
}
