// `orrery tenant cardinality` and `orrery tenant growth`: what makes the series of a tenant many,
// and what made them more since yesterday.
import { printJson, timeCell } from './admin-client.ts';
import type { AdminClient } from './admin-client.ts';
import { tableText } from './draw.ts';
import type { Terminal } from './terminal.ts';

export interface NamesWork {
  readonly client: AdminClient;
  readonly terminal: Terminal;
  readonly tenant: string;
  /** undefined: of all metrics. */
  readonly metric: string | undefined;
  readonly top: string | undefined;
  readonly isJson: boolean;
}

interface Counted {
  readonly name: string;
  readonly series: number;
}

interface Cardinality {
  readonly series: number;
  readonly series_by_metric: readonly Counted[];
  readonly series_by_label: readonly Counted[];
  readonly series_by_label_value: readonly Counted[];
  readonly values_by_label: readonly { readonly name: string; readonly values: number }[];
}

interface Grown extends Counted {
  readonly before: number;
}

interface Maker {
  readonly time: string;
  readonly token: string;
  readonly protocol: string;
}

interface Growth {
  readonly now: { readonly series: number };
  readonly before: { readonly series: number };
  readonly makers_since: string;
  readonly growth_by_metric: readonly (Grown & { readonly started_by: Maker | null })[];
  readonly growth_by_label: readonly Grown[];
  readonly growth_by_label_value: readonly Grown[];
  readonly growth_by_values: readonly {
    readonly name: string;
    readonly values: number;
    readonly before: number;
  }[];
}

function asked<T>({ client, tenant, metric, top }: NamesWork, what: string): Promise<T> {
  const query = new URLSearchParams();
  if (metric !== undefined) query.set('metric', metric);
  if (top !== undefined) query.set('limit', top);
  const path = `tenants/${encodeURIComponent(tenant)}/${what}?${query.toString()}`;
  return client.askPath<T>('GET', path);
}

export async function cardinality(work: NamesWork): Promise<void> {
  const { terminal, isJson } = work;
  const found = await asked<Cardinality>(work, 'cardinality');
  if (isJson) return printJson(terminal, found);
  const values = found.values_by_label.map((row) => [row.name, String(row.values)]);
  terminal.out(`${found.series} series\n`);
  for (const [head, rows] of [
    ['metric', countCells(found.series_by_metric)],
    ['label', countCells(found.series_by_label)],
    ['label and value', countCells(found.series_by_label_value)],
  ] as const)
    terminal.out(`\n${tableText([[head, 'series'], ...rows], terminal.columns)}`);
  terminal.out(`\n${tableText([['label', 'values'], ...values], terminal.columns)}`);
}

function countCells(rows: readonly Counted[]) {
  return rows.map(({ name, series }) => [name, String(series)]);
}

export async function growth(work: NamesWork): Promise<void> {
  const { terminal, isJson } = work;
  const found = await asked<Growth>(work, 'growth');
  if (isJson) return printJson(terminal, found);
  const { now, before } = found;
  terminal.out(`${now.series} series in the last hour, ${before.series} a day before\n`);
  const metrics = found.growth_by_metric.map((row) => [...cellsOf(row), ...makerCells(row)]);
  const head = ['metric', 'more', 'now', 'before', 'begun', 'token', 'protocol'];
  terminal.out(`\n${tableText([head, ...metrics], terminal.columns)}`);
  terminal.out(`who began it is known since ${timeCell(found.makers_since)}\n`);
  const values = found.growth_by_values.map(({ values: series, ...row }) => ({ ...row, series }));
  for (const [name, rows] of [
    ['label', found.growth_by_label],
    ['label and value', found.growth_by_label_value],
    ['values of label', values],
  ] as const)
    terminal.out(
      `\n${tableText([[name, 'more', 'now', 'before'], ...rows.map(cellsOf)], terminal.columns)}`,
    );
}

function cellsOf({ name, series, before }: Grown): readonly string[] {
  return [name, `+${series - before}`, String(series), String(before)];
}

function makerCells({ started_by: maker }: { readonly started_by: Maker | null }) {
  if (maker === null) return ['-', '-', '-'];
  return [timeCell(maker.time), maker.token === '' ? '-' : maker.token, maker.protocol];
}
