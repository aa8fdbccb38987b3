// Own metrics of several threads as one page: each line is the sum of the lines that say the same.
// True of what threads count apart: counters, histograms, and gauges of what each of them holds.
import { formatFloat } from './registry.ts';

interface Family {
  /** HELP and TYPE. */
  readonly head: string;
  /** By name and labels. */
  readonly values: Map<string, number>;
}

/** Pages as MetricsRegistry.render prints them; families in order of name. */
export function sumPages(pages: readonly string[]): string {
  const families = new Map<string, Family>();
  for (const page of pages) addPage(page, families);
  const out: string[] = [];
  for (const name of [...families.keys()].toSorted()) {
    const { head, values } = families.get(name)!;
    out.push(head);
    for (const [key, value] of values) out.push(`${key} ${formatFloat(value)}\n`);
  }
  return out.join('');
}

function addPage(page: string, families: Map<string, Family>): void {
  let family: Family | undefined;
  let help = '';
  for (const line of page.split('\n')) {
    if (line === '') continue;
    if (line.startsWith('# HELP ')) help = line;
    else if (line.startsWith('# TYPE ')) {
      const name = line.split(' ', 3)[2]!;
      family = families.get(name) ?? { head: `${help}\n${line}\n`, values: new Map() };
      families.set(name, family);
    } else {
      // Label values may hold spaces, the number does not.
      const space = line.lastIndexOf(' ');
      const key = line.slice(0, space);
      const value = valueOf(line.slice(space + 1));
      family!.values.set(key, (family!.values.get(key) ?? 0) + value);
    }
  }
}

function valueOf(text: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  return text === '-Inf' ? Number.NEGATIVE_INFINITY : Number(text);
}
