// Durations: the `1h30m` syntax, its printed form, and the value of duration expressions at query
// time. A year is 365 days, a week 7 days. Literals count in seconds inside the tree.
// Source: Prometheus common/model/time.go (syntax), promql/durations.go (expressions).
import { AppError } from '../model/errors.ts';
import { unreachable } from '../stdx/assert.ts';
import type { DurationExpr, DurationOperand } from './ast.ts';
import { power } from './power.ts';
import { quote, roundAway } from './text.ts';

interface Unit {
  readonly name: string;
  readonly ms: number;
  /** Printed only where it divides the rest, as 90d should not become 12w6d. */
  readonly exactOnly: boolean;
}

/** Largest first, the only order in which they may be written. */
const UNITS: readonly Unit[] = [
  { name: 'y', ms: 365 * 86_400_000, exactOnly: true },
  { name: 'w', ms: 7 * 86_400_000, exactOnly: true },
  { name: 'd', ms: 86_400_000, exactOnly: false },
  { name: 'h', ms: 3_600_000, exactOnly: false },
  { name: 'm', ms: 60_000, exactOnly: false },
  { name: 's', ms: 1_000, exactOnly: false },
  { name: 'ms', ms: 1, exactOnly: false },
];

/** Durations are bounded by what 64-bit nanoseconds hold: about 292 years. */
export const DURATION_SECONDS_MAX = 2 ** 63 / 1e9;
const DURATION_MS_MAX = DURATION_SECONDS_MAX * 1_000;

/** Refused duration text or a duration expression without a usable value. */
export class DurationError extends AppError {
  override readonly name = 'DurationError';
  constructor(message: string) {
    super('invalid', 'promql-duration', message);
  }
}

/**
 * Milliseconds of `1h30m`-like text; `0` needs no unit. Units go from large to small, each once.
 * Throws DurationError.
 */
export function parseDurationMs(text: string): number {
  if (text === '0') return 0;
  if (text === '') throw new DurationError('empty duration string');
  let rest = text;
  let nextUnit = 0;
  let totalMs = 0;
  while (rest !== '') {
    const match = /^(\d+)(\D*)/.exec(rest);
    if (match === null) throw new DurationError(`not a valid duration string: ${quote(text)}`);
    const [whole, digits, name] = match as unknown as [string, string, string];
    if (name === '') throw new DurationError(`not a valid duration string: ${quote(text)}`);
    const index = UNITS.findIndex((unit) => unit.name === name);
    if (index < 0)
      throw new DurationError(`unknown unit ${quote(name)} in duration ${quote(text)}`);
    if (index < nextUnit) throw new DurationError(`not a valid duration string: ${quote(text)}`);
    nextUnit = index + 1;
    totalMs += Number(digits) * UNITS[index]!.ms;
    if (totalMs >= DURATION_MS_MAX) throw new DurationError('duration out of range');
    rest = rest.slice(whole.length);
  }
  return totalMs;
}

/** `5400000` → `1h30m`; whole milliseconds of at least 0; 0 is `0s`. */
export function formatDurationMs(durationMs: number): string {
  if (durationMs === 0) return '0s';
  let restMs = durationMs;
  let out = '';
  for (const unit of UNITS) {
    if (unit.exactOnly && restMs % unit.ms !== 0) continue;
    const count = Math.floor(restMs / unit.ms);
    if (count === 0) continue;
    out += `${count}${unit.name}`;
    restMs -= count * unit.ms;
  }
  return out;
}

/**
 * Seconds as the tree holds them from whole milliseconds, without a rounding error of a division.
 */
export function secondsFromMs(durationMs: number): number {
  return Math.trunc(durationMs / 1_000) + (durationMs % 1_000) / 1_000;
}

/** Relative size of a rounding error that is still taken for a whole millisecond. */
const WHOLE_MS_TOLERANCE = 2 ** -50;

/** The milliseconds in `seconds` where they are whole but for rounding, else undefined. */
export function wholeMs(seconds: number): number | undefined {
  const exact = seconds * 1_000;
  const durationMs = roundAway(exact);
  const tolerance = Math.abs(exact) * WHOLE_MS_TOLERANCE;
  return Math.abs(exact - durationMs) <= tolerance ? durationMs : undefined;
}

export interface DurationContext {
  /** Query resolution; what `step()` answers. 0 for an instant query. */
  readonly stepMs: number;
  /** End minus start of the query; what `range()` answers. */
  readonly rangeMs: number;
}

function evaluate(operand: DurationOperand, context: DurationContext): number {
  if (operand.type === 'NumberLiteral') return operand.value;
  const lhs = operand.lhs === undefined ? 0 : evaluate(operand.lhs, context);
  const rhs = operand.rhs === undefined ? 0 : evaluate(operand.rhs, context);
  return apply(operand, lhs, rhs, context);
}

function apply(expr: DurationExpr, lhs: number, rhs: number, context: DurationContext): number {
  const where = `${expr.pos.start}:${expr.pos.end}`;
  switch (expr.op) {
    case 'step':
      return secondsFromMs(context.stepMs);
    case 'range':
      return secondsFromMs(context.rangeMs);
    case 'min_of':
      return Math.min(lhs, rhs);
    case 'max_of':
      return Math.max(lhs, rhs);
    case '+':
      return lhs + rhs;
    case '-':
      return lhs - rhs;
    case '*':
      return lhs * rhs;
    case '/':
      if (rhs === 0) throw new DurationError(`${where}: division by zero`);
      return lhs / rhs;
    case '%':
      if (rhs === 0) throw new DurationError(`${where}: modulo by zero`);
      return lhs % rhs;
    case '^':
      return power(lhs, rhs);
    default:
      return unreachable(expr.op);
  }
}

/**
 * The value of a range, step or offset in microseconds. Expressions are cut to whole milliseconds,
 * as Prometheus does; literals keep microseconds. Only an offset may be zero or negative
 * (`allowNegative`). Throws DurationError.
 */
export function resolveDurationUs(
  operand: DurationOperand,
  context: DurationContext,
  options: { readonly allowNegative: boolean },
): number {
  const seconds = evaluate(operand, context);
  const where = `${operand.pos.start}:${operand.pos.end}`;
  if (!Number.isFinite(seconds)) throw new DurationError(`${where}: duration is NaN or infinite`);
  if (seconds <= 0 && !options.allowNegative)
    throw new DurationError(`${where}: duration must be greater than 0`);
  if (Math.abs(seconds) > DURATION_SECONDS_MAX)
    throw new DurationError(`${where}: duration is out of range`);
  if (operand.type === 'NumberLiteral') return Math.round(seconds * 1e6);
  return Math.trunc(seconds * 1_000) * 1_000;
}
