// A label set: the identity of a series inside its tenant. Flat array of name, value, name, value …
// sorted by name in UTF-8 byte order, no duplicate names, no empty values (a label with an empty
// value is the same as no label). Strings are well-formed Unicode. Immutable once made.

export type Labels = readonly string[];

export const METRIC_NAME = '__name__';
export const NO_LABELS: Labels = [];

/** A lone surrogate cannot occur in decoded UTF-8, so keys joined by it never collide. */
const KEY_SEPARATOR = '\udfff';

/**
 * UTF-8 byte order of two well-formed strings: code-point order. UTF-16 code-unit order differs
 * only where exactly one of the first differing units is a surrogate (it stands for a code point
 * above U+FFFF).
 */
export function compareUtf8(a: string, b: string): number {
  if (a === b) return 0;
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left === right) continue;
    const leftSurrogate = (left & 0xf800) === 0xd800;
    const rightSurrogate = (right & 0xf800) === 0xd800;
    if (leftSurrogate !== rightSurrogate) return leftSurrogate ? 1 : -1;
    return left - right;
  }
  return a.length - b.length;
}

/**
 * Labels from unsorted flat pairs; later duplicates of a name win, empty values are dropped.
 * Complexity: insertion sort, which is linear for the nearly sorted input that clients send.
 */
export function labelsFromPairs(pairs: readonly string[]): Labels {
  const out: string[] = [];
  for (let i = 0; i + 1 < pairs.length; i += 2) {
    const name = pairs[i]!;
    let at = out.length;
    while (at > 0 && compareUtf8(out[at - 2]!, name) > 0) at -= 2;
    if (at > 0 && out[at - 2] === name) out[at - 1] = pairs[i + 1]!;
    else if (at === out.length) out.push(name, pairs[i + 1]!);
    else out.splice(at, 0, name, pairs[i + 1]!);
  }
  let hasEmpty = false;
  for (let i = 1; i < out.length; i += 2) hasEmpty ||= out[i] === '';
  if (!hasEmpty) return out;
  return out.filter((_, i) => out[i | 1] !== '');
}

/** Labels from an object; for tests, settings and small fixed sets. */
export function labelsFromObject(object: Readonly<Record<string, string>>): Labels {
  return labelsFromPairs(Object.entries(object).flat());
}

/** The value of `name`, or '' where the label is absent. */
export function labelValue(labels: Labels, name: string): string {
  for (let i = 0; i < labels.length; i += 2) if (labels[i] === name) return labels[i + 1]!;
  return '';
}

/** Equal label sets have equal keys and different ones different keys; for use in a Map. */
export function labelsKey(labels: Labels): string {
  return labels.join(KEY_SEPARATOR);
}

/** Order by first differing name, then value, in UTF-8 byte order; a prefix comes first. */
export function compareLabels(a: Labels, b: Labels): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const order = compareUtf8(a[i]!, b[i]!);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** A label set with one label set to `value`, or removed where `value` is ''. */
export function withLabel(labels: Labels, name: string, value: string): Labels {
  return labelsFromPairs([...labels, name, value]);
}

export function withoutLabel(labels: Labels, name: string): Labels {
  return labels.filter((_, i) => labels[i & ~1] !== name);
}

/** A plain object without prototype, so that labels named `__proto__` are ordinary keys. */
export function labelsToObject(labels: Labels): Record<string, string> {
  const out = Object.create(null) as Record<string, string>;
  for (let i = 0; i < labels.length; i += 2) out[labels[i]!] = labels[i + 1]!;
  return out;
}
