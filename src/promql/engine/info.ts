// info(): adds the data labels of info metrics (target_info, …) to series with the same instance
// and job. Of several info series of one name the one with the newest sample speaks. Source of
// semantics: Prometheus promql/info.go.
import { KIND } from '../../model/columns.ts';
import {
  labelsFromPairs,
  labelsKey,
  labelValue,
  METRIC_NAME,
  withLabel,
} from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import type { StepGrid } from '../../windows/sliding.ts';
import type { Call, Expr, LabelMatcher, NumberLiteral, VectorSelector } from '../ast.ts';
import { copySlot, isEmptyColumn, newColumn } from './column.ts';
import type { Column } from './column.ts';
import type { Evaluation } from './context.ts';
import { executionError } from './errors.ts';
import { atTimeUs, durationUs, unwrap } from './prepare.ts';
import { SLOT_EMPTY } from './result.ts';
import { compileMatchers, instantRequest, runLeaf } from './selector.ts';
import { labelsText } from './text.ts';

const IDENTIFYING = ['instance', 'job'];
const TARGET_INFO: LabelMatcher = { name: METRIC_NAME, type: '=', value: 'target_info' };
const ANY_INFO: LabelMatcher = { name: METRIC_NAME, type: '=~', value: '.+_info' };

/** Matchers on the name that select the info series. */
function nameMatchers(given: readonly LabelMatcher[]): readonly LabelMatcher[] {
  if (given.some(({ type }) => type === '=' || type === '=~')) return given;
  return given.length > 0 ? [ANY_INFO, ...given] : [TARGET_INFO];
}

/** The time at which the info series are read: that of the first selector in the argument. */
interface InfoTime {
  readonly atUs: number | undefined;
  readonly offsetUs: number;
}

function infoTime(ev: Evaluation, expr: Expr): InfoTime | undefined {
  switch (expr.type) {
    case 'VectorSelector':
      return {
        atUs: atTimeUs(expr.at, ev.times),
        offsetUs: durationUs(expr.offset, ev.times, true),
      };
    case 'MatrixSelector':
      return infoTime(ev, expr.selector);
    case 'SubqueryExpr': {
      const inner = infoTime(ev, expr.expr);
      if (inner === undefined || inner.atUs !== undefined) return inner;
      const offsetUs = inner.offsetUs + durationUs(expr.offset, ev.times, true);
      return { atUs: atTimeUs(expr.at, ev.times), offsetUs };
    }
    case 'ParenExpr':
    case 'UnaryExpr':
      return infoTime(ev, expr.expr);
    case 'AggregateExpr':
      return infoTime(ev, expr.expr) ?? (expr.param && infoTime(ev, expr.param));
    case 'BinaryExpr':
      return infoTime(ev, expr.lhs) ?? infoTime(ev, expr.rhs);
    case 'Call':
      for (const arg of expr.args) {
        const found = infoTime(ev, arg);
        if (found !== undefined) return found;
      }
      return undefined;
    default:
      return undefined;
  }
}

function quoteRegex(text: string): string {
  return text.replaceAll(/[\\.+*?()|[\]{}^$]/g, '\\$&');
}

/** Info series by step, the value being the time of the sample; [] where nothing can match. */
async function infoColumns(
  ev: Evaluation,
  call: Call,
  base: readonly Column[],
  given: readonly LabelMatcher[],
  grid: StepGrid,
): Promise<Column[]> {
  const matchers: LabelMatcher[] = [];
  for (const name of IDENTIFYING) {
    const values = new Set(base.map(({ labels }) => labelValue(labels, name)));
    values.delete('');
    if (values.size === 0) continue;
    matchers.push({ name, type: '=~', value: Array.from(values, quoteRegex).join('|') });
  }
  if (matchers.length === 0) return [];
  for (const matcher of given) if (matcher.name !== METRIC_NAME) matchers.push(matcher);
  matchers.push(...nameMatchers(given.filter(({ name }) => name === METRIC_NAME)));
  const { atUs, offsetUs } = infoTime(ev, call.args[0]!) ?? { atUs: undefined, offsetUs: 0 };
  const { pos } = call;
  const offset: NumberLiteral = {
    type: 'NumberLiteral',
    value: offsetUs / 1e6,
    duration: true,
    pos,
  };
  const selector: VectorSelector = {
    type: 'VectorSelector',
    name: '',
    matchers,
    offset,
    at: atUs === undefined ? undefined : { kind: 'timestamp', timestampMs: atUs / 1000 },
    anchored: false,
    smoothed: false,
    pos,
  };
  const request = instantRequest(selector, 'timestamp', undefined, pos);
  const look = (): Promise<Column[]> =>
    runLeaf(ev, { ...request, kinds: 1 << KIND.histogram }, grid);
  const wrong = await (ev.counted === undefined ? look() : ev.counted.quietly(look));
  if (wrong.length > 0) throw executionError('info sample should be float');
  return runLeaf(ev, request, grid);
}

function identity(labels: Labels): string {
  return labelsKey(labels.filter((_, i) => IDENTIFYING.includes(labels[i & ~1]!)));
}

/** Info series by identifying labels, then by metric name. */
function byIdentity(infos: readonly Column[]): Map<string, Map<string, Column[]>> {
  const out = new Map<string, Map<string, Column[]>>();
  for (const info of infos) {
    const key = identity(info.labels);
    const name = labelValue(info.labels, METRIC_NAME);
    const names = out.get(key) ?? new Map<string, Column[]>();
    out.set(key, names);
    const list = names.get(name);
    if (list === undefined) names.set(name, [info]);
    else list.push(info);
  }
  return out;
}

/** The info series with the newest sample at a step. */
function newestAt(infos: readonly Column[], k: number): Column | undefined {
  let newest: Column | undefined;
  for (const info of infos) {
    if (info.present[k] === SLOT_EMPTY) continue;
    if (newest === undefined || info.values[k]! > newest.values[k]!) newest = info;
    else if (info.values[k] === newest.values[k]) {
      const timeMs = Math.round(info.values[k]! * 1000);
      throw executionError(
        'found duplicate series for info metric: ' +
          `existing ${labelsText(newest.labels)} @ ${timeMs}, ` +
          `new ${labelsText(info.labels)} @ ${timeMs}`,
      );
    }
  }
  return newest;
}

/** Labels of a series with the data labels of its info series. */
function enrich(base: Labels, infos: readonly Column[], wanted: ReadonlySet<string>): Labels {
  let added: Labels = [];
  for (const { labels } of infos)
    for (let i = 0; i < labels.length; i += 2) {
      const name = labels[i]!;
      const value = labels[i + 1]!;
      if (name === METRIC_NAME || (wanted.size > 0 && !wanted.has(name))) continue;
      const known = labelValue(added, name);
      if (known !== '' && known !== value) throw executionError(`conflicting label: ${name}`);
      if (labelValue(base, name) === '') added = withLabel(added, name, value);
    }
  return labelsFromPairs([...base, ...added]);
}

class Output {
  readonly columns = new Map<string, Column>();
  readonly #count: number;

  constructor(count: number) {
    this.#count = count;
  }

  put(from: Column, labels: Labels, k: number): void {
    const key = labelsKey(labels);
    let column = this.columns.get(key);
    if (column === undefined) {
      column = newColumn(labels, this.#count, from.dropName);
      this.columns.set(key, column);
    }
    if (column.present[k] !== SLOT_EMPTY)
      throw executionError('vector cannot contain metrics with the same labelset');
    copySlot(column, from, k);
  }
}

export async function infoFunction(ev: Evaluation, call: Call, grid: StepGrid): Promise<Column[]> {
  const base = await ev.vector(call.args[0]!, grid);
  const second = call.args[1] === undefined ? undefined : unwrap(call.args[1]);
  const given = second?.type === 'VectorSelector' ? second.matchers : [];
  const data = given.filter(({ name }) => name !== METRIC_NAME);
  const wanted = new Set(data.map(({ name }) => name));
  const allowsNone = compileMatchers(data).every((matcher) => matcher.matches(''));
  const names = compileMatchers(nameMatchers(given.filter(({ name }) => name === METRIC_NAME)));
  const isInfo = ({ labels }: Column): boolean =>
    names.every((matcher) => matcher.matches(labelValue(labels, METRIC_NAME)));
  const plain = base.filter((column) => !isInfo(column));
  const infos = byIdentity(await infoColumns(ev, call, plain, given, grid));
  const output = new Output(grid.count);
  ev.takeColumns(base.length, grid.count);
  for (const column of base) {
    const pause = ev.pause();
    if (pause !== undefined) await pause;
    const own = infos.get(identity(column.labels));
    const ignores = isInfo(column);
    for (let k = 0; k < grid.count; k++) {
      if (column.present[k] === SLOT_EMPTY) continue;
      const found = ignores || own === undefined ? [] : infosAt(own, k);
      if (ignores) output.put(column, column.labels, k);
      else if (found.length > 0 || allowsNone)
        output.put(column, enrich(column.labels, found, wanted), k);
    }
  }
  return Array.from(output.columns.values()).filter((column) => !isEmptyColumn(column));
}

function infosAt(own: ReadonlyMap<string, Column[]>, k: number): Column[] {
  const out: Column[] = [];
  for (const infos of own.values()) {
    const newest = newestAt(infos, k);
    if (newest !== undefined) out.push(newest);
  }
  return out;
}
