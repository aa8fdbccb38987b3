// Functions from float to float, slot by slot, and the date functions. Histograms are left out.
import { acosh, asinh, cosh, exp, sinh, tanh } from '../../stdx/exponentials.ts';
import { ln, log10, log2 } from '../../stdx/logarithms.ts';
import { acos, asin, atan, cos, sin, tan } from '../../stdx/trigonometry.ts';
import { calendarTime } from './dates.ts';
import type { CalendarTime } from './dates.ts';
import { NewColumns, setFloat } from './column.ts';
import type { Column } from './column.ts';
import type { Evaluation } from './context.ts';
import { SLOT_FLOAT } from './result.ts';

type FloatFunction = (value: number) => number;

/** As Go's math.Max: an infinity of its direction wins over NaN, which Math.max does not know. */
export function maxFloat(a: number, b: number): number {
  return a === Infinity || b === Infinity ? Infinity : Math.max(a, b);
}

/** As Go's math.Min. */
export function minFloat(a: number, b: number): number {
  return a === -Infinity || b === -Infinity ? -Infinity : Math.min(a, b);
}

const MATH: ReadonlyMap<string, FloatFunction> = new Map<string, FloatFunction>([
  ['abs', Math.abs],
  ['acos', acos],
  ['acosh', acosh],
  ['asin', asin],
  ['asinh', asinh],
  ['atan', atan],
  // The engine's has the bits of the reference.
  ['atanh', Math.atanh],
  ['ceil', Math.ceil],
  ['cos', cos],
  ['cosh', cosh],
  ['deg', (value) => (value * 180) / Math.PI],
  ['exp', exp],
  ['floor', Math.floor],
  ['ln', ln],
  ['log10', log10],
  ['log2', log2],
  ['rad', (value) => (value * Math.PI) / 180],
  ['sgn', (value) => (value < 0 ? -1 : value > 0 ? 1 : value)],
  ['sin', sin],
  ['sinh', sinh],
  ['sqrt', Math.sqrt],
  ['tan', tan],
  ['tanh', tanh],
]);

function onDate(read: (date: CalendarTime) => number): FloatFunction {
  return (seconds) => read(calendarTime(seconds));
}

const DATES: ReadonlyMap<string, FloatFunction> = new Map<string, FloatFunction>([
  ['day_of_month', onDate((date) => date.day)],
  ['day_of_week', onDate((date) => date.dayOfWeek)],
  ['day_of_year', onDate((date) => date.dayOfYear)],
  ['days_in_month', onDate((date) => date.daysInMonth)],
  ['hour', onDate((date) => date.hour)],
  ['minute', onDate((date) => date.minute)],
  ['month', onDate((date) => date.month)],
  ['year', onDate((date) => date.year)],
]);

export function floatFunction(name: string): FloatFunction | undefined {
  return MATH.get(name) ?? DATES.get(name);
}

export function dateFunction(name: string): FloatFunction | undefined {
  return DATES.get(name);
}

/** Applies a function of value and step to every float; columns without floats go away. */
export async function mapFloats(
  ev: Evaluation,
  columns: readonly Column[],
  apply: (value: number, k: number) => number,
): Promise<Column[]> {
  const out: Column[] = [];
  const made = new NewColumns(columns[0]?.present.length ?? 0);
  for (const column of columns) {
    const { present, values } = column;
    const result = made.next(column.labels, column.dropName);
    let isEmpty = true;
    for (let k = 0; k < present.length; k++) {
      if (present[k] !== SLOT_FLOAT) continue;
      setFloat(result, k, apply(values[k]!, k));
      isEmpty = false;
    }
    if (!isEmpty) out.push(result);
    const pause = ev.pause();
    if (pause !== undefined) await pause;
  }
  return out;
}
