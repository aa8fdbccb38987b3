/**
 * Label sets as text. Values are hostile: they are only ever handed to React as text. The key is
 * the identity of a series inside one result; it does not depend on the order of labels.
 */
export type Labels = Readonly<Record<string, string>>;

const PLAIN_NAME = /^[A-Za-z_:][\w:]*$/;

/**
 * Characters that draw nothing or turn the text around them: controls, zero-width, bidirectional
 * overrides. Shown as escapes, so that no label value can pose as another or reorder the page.
 */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Text for display with every unseen character as an escape, which PromQL strings read back. */
export function visible(text: string): string {
  return text.replaceAll(UNSEEN, (char) => {
    const code = (char.codePointAt(0) ?? 0).toString(16).toUpperCase();
    return code.length > 4 ? `\\U${code.padStart(8, '0')}` : `\\u${code.padStart(4, '0')}`;
  });
}

/** A sentence of a writer, on one line: ends of lines are spaces in it. */
export function visibleLine(text: string): string {
  return visible(text.replaceAll(/\s+/g, ' ').trim());
}

/** The same of a text of several lines. */
export function visibleLines(text: string): string {
  return text
    .split(/\r?\n/)
    .map((line) => visible(line))
    .join('\n');
}

/** The value of a label, '' where there is none: names may be those of what every object has. */
export function labelValue(labels: Labels, name: string): string {
  return Object.hasOwn(labels, name) ? (labels[name] ?? '') : '';
}

/** Stable text of a label set: PromQL's own selector syntax, labels sorted by name. */
export function formatLabels(labels: Labels): string {
  const name = labels['__name__'];
  const pairs = Object.keys(labels)
    .filter((label) => label !== '__name__')
    .toSorted()
    .map((label) => `${quoteName(label)}=${quote(labels[label] ?? '')}`);
  if (name === undefined) return `{${pairs.join(', ')}}`;
  if (!PLAIN_NAME.test(name)) return `{${[quote(name), ...pairs].join(', ')}}`;
  return pairs.length === 0 ? name : `${name}{${pairs.join(', ')}}`;
}

function quoteName(label: string): string {
  return PLAIN_NAME.test(label) ? label : quote(label);
}

function quote(text: string): string {
  return visible(JSON.stringify(text));
}

/** Label names of a result: the metric's name, those that differ between series, the rest. */
export function labelColumns(sets: readonly Labels[]): string[] {
  const values = new Map<string, Set<string>>();
  for (const labels of sets) {
    for (const [label, value] of Object.entries(labels)) {
      let seen = values.get(label);
      if (seen === undefined) values.set(label, (seen = new Set()));
      seen.add(value);
    }
  }
  const rank = (label: string): number => {
    if (label === '__name__') return 0;
    return (values.get(label)?.size ?? 0) > 1 ? 1 : 2;
  };
  return [...values.keys()].toSorted((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}
