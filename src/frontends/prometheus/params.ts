// Parameters of the Prometheus HTTP API: times (Unix seconds with a fraction, or RFC 3339),
// durations (seconds, or Prometheus' own form), limits, selectors. Errors are worded as Prometheus
// words them. Source: Prometheus web/api/v1/api.go (parseTime, parseDuration, parseLimitParam,
// parseMatchersParam).
import { AppError } from '../../model/errors.ts';
import { matcher } from '../../model/matcher.ts';
import { errorMessage } from '../../stdx/assert.ts';
import type { Matcher } from '../../model/matcher.ts';
import { PARSED_LENGTH_MAX, PARSED_QUERIES_MAX } from '../../query/limits.ts';
import { lazy } from '../../stdx/lazy.ts';
import { Remembered } from '../../stdx/remembered.ts';

const loadParser = lazy(() => import('../../promql/parser.ts'));

/** `match[]` parameters of one request; each is a read of its own. */
const SELECTORS_MAX = 1_000;

/** Variables of a dashboard are asked for with the same selectors each time it is opened. */
const compiledSelectors = new Remembered<readonly Matcher[]>({
  countMax: PARSED_QUERIES_MAX,
  lengthMax: PARSED_LENGTH_MAX,
});

/** Farther than any stored time; still an exact integer. */
const T_US_MIN = Number.MIN_SAFE_INTEGER;
export const T_US_MAX = Number.MAX_SAFE_INTEGER;

/** What Prometheus itself prints for the ends of time, and clients send back. */
const ENDS_OF_TIME: ReadonlyMap<string, number> = new Map([
  ['-292273086-05-16T16:47:06Z', T_US_MIN],
  ['292277025-08-18T07:12:54.999999999Z', T_US_MAX],
]);

export function invalidParameter(name: string, reason: string): AppError {
  return new AppError('invalid', 'parameter', `invalid parameter "${name}": ${reason}`);
}

/** Whether a switch is on; a word that is none is refused, not taken for one. */
export function switchParam(params: URLSearchParams, name: string): boolean {
  const text = params.get(name) ?? '';
  if (text === '1' || text === 'true') return true;
  if (text === '' || text === '0' || text === 'false') return false;
  throw invalidParameter(name, 'expected 1, true, 0 or false');
}

function isNumber(text: string): boolean {
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text);
}

/** Microseconds, or undefined where the text is no time. */
export function parseTime(text: string): number | undefined {
  if (isNumber(text)) {
    const tUs = Math.round(Number(text) * 1_000_000);
    return Math.max(T_US_MIN, Math.min(T_US_MAX, tUs));
  }
  return ENDS_OF_TIME.get(text) ?? parseRfc3339(text);
}

const MS_IN_DAY = 86_400_000;
const MS_IN_400_YEARS = 146_097 * MS_IN_DAY;
const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|([+-])(\d\d):(\d\d))$/;

function parseRfc3339(text: string): number | undefined {
  const match = RFC3339.exec(text);
  if (match === null) return undefined;
  const part = (index: number): number => Number(match[index]);
  const [month, day, hour, minute, second] = [part(2), part(3), part(4), part(5), part(6)];
  // Date.UTC takes years below 100 for the 1900s: 400 years later the calendar is the same.
  const utc = (...rest: readonly [number, number, ...number[]]): number =>
    Date.UTC(part(1) + 400, ...rest) - MS_IN_400_YEARS;
  const dayCount = (utc(month, 1) - utc(month - 1, 1)) / MS_IN_DAY;
  const isReal = month >= 1 && month <= 12 && day >= 1 && day <= dayCount;
  if (!isReal || hour > 23 || minute > 59 || second > 59) return undefined;
  const ms = utc(month - 1, day, hour, minute, second);
  const fractionUs = Math.floor(Number(`0.${match[7] ?? '0'}`) * 1e6 + 1e-6);
  const offsetMin = (Number(match[9] ?? 0) * 60 + Number(match[10] ?? 0)) * 60_000;
  const sign = match[8] === '-' ? 1 : -1;
  const tUs = (ms + sign * offsetMin) * 1000 + fractionUs;
  return Math.max(T_US_MIN, Math.min(T_US_MAX, tUs));
}

/** A time parameter in microseconds; `fallback` where it is absent or empty. */
export function timeParam(params: URLSearchParams, name: string, fallback: number): number {
  const text = params.get(name);
  if (text === null || text === '') return fallback;
  const tUs = parseTime(text);
  if (tUs !== undefined) return tUs;
  const reason = `cannot parse ${JSON.stringify(text)} to a valid timestamp`;
  throw invalidParameter(name, `invalid time value for '${name}': ${reason}`);
}

/** A time parameter that must be there. */
export function requiredTime(params: URLSearchParams, name: string): number {
  const text = params.get(name) ?? '';
  const tUs = parseTime(text);
  if (tUs === undefined)
    throw invalidParameter(name, `cannot parse ${JSON.stringify(text)} to a valid timestamp`);
  return tUs;
}

const UNIT_MS: readonly (readonly [string, number])[] = [
  ['y', 31_536_000_000],
  ['w', 604_800_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
];
const DURATION = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;

/** Microseconds, or undefined where the text is no duration. Seconds may be negative. */
export function parseDuration(text: string): number | undefined {
  if (isNumber(text)) {
    const durationUs = Math.round(Number(text) * 1_000_000);
    return Number.isSafeInteger(durationUs) ? durationUs : undefined;
  }
  const match = DURATION.exec(text);
  if (text === '' || match === null) return undefined;
  let totalMs = 0;
  for (const [i, [, unitMs]] of UNIT_MS.entries()) totalMs += Number(match[i + 1] ?? 0) * unitMs;
  return Number.isSafeInteger(totalMs * 1000) ? totalMs * 1000 : undefined;
}

/** Why a text is no duration. */
export function durationProblem(text: string): string {
  const size = isNumber(text) ? Math.abs(Number(text)) : 0;
  const overflow = size * 1e9 > 2 ** 63 ? '. It overflows int64' : '';
  return `cannot parse ${JSON.stringify(text)} to a valid duration${overflow}`;
}

/** A duration parameter in microseconds; undefined where it is absent or empty. */
export function durationParam(params: URLSearchParams, name: string): number | undefined {
  const text = params.get(name);
  if (text === null || text === '') return undefined;
  const durationUs = parseDuration(text);
  if (durationUs === undefined) throw invalidParameter(name, durationProblem(text));
  return durationUs;
}

/**
 * An integer of 64 bits in decimal, as Go's Atoi takes it: clients send the largest one for "all".
 * What a double cannot hold is the nearest safe integer; undefined where the text is none.
 */
export function parseInteger(text: string): number | undefined {
  if (!/^[+-]?\d{1,32}$/.test(text)) return undefined;
  const exact = BigInt(text);
  if (BigInt.asIntN(64, exact) !== exact) return undefined;
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Number(exact)));
}

/** 0 = no limit. */
export function limitParam(params: URLSearchParams): number {
  const text = params.get('limit');
  if (text === null || text === '') return 0;
  const limit = parseInteger(text);
  if (limit === undefined) {
    const reason = /^[+-]?\d+$/.test(text) ? 'value out of range' : 'invalid syntax';
    throw invalidParameter('limit', `strconv.Atoi: parsing ${JSON.stringify(text)}: ${reason}`);
  }
  if (limit < 0) throw invalidParameter('limit', 'limit must be non-negative');
  return limit;
}

/** The range of a metadata request; all of time where it is open, empty where it ends too early. */
export function rangeParams(params: URLSearchParams): { startUs: number; endUs: number } {
  const startUs = timeParam(params, 'start', T_US_MIN);
  const endUs = timeParam(params, 'end', T_US_MAX);
  return { startUs, endUs };
}

/** Throws AppError invalid for a range that ends before it starts. */
export function orderedTimes(startUs: number, endUs: number): void {
  const message = 'end timestamp must not be before start timestamp';
  if (endUs < startUs) throw new AppError('invalid', 'parameter', message);
}

/**
 * The selectors of all `match[]` parameters, compiled. Throws AppError invalid with the reason; the
 * parameter is named where `named` says so, as Prometheus does at some of its paths.
 */
export async function selectorParams(
  params: URLSearchParams,
  { named = true }: { readonly named?: boolean } = {},
): Promise<readonly (readonly Matcher[])[]> {
  const refuse = (reason: string, cause?: unknown): AppError => {
    const { message } = named ? invalidParameter('match[]', reason) : new Error(reason);
    return new AppError('invalid', 'parameter', message, cause === undefined ? {} : { cause });
  };
  const texts = params.getAll('match[]');
  if (texts.length === 0) return [];
  if (texts.length > SELECTORS_MAX)
    throw refuse(`match[] is given ${texts.length} times, the limit is ${SELECTORS_MAX}`);
  const { parseMetricSelector } = await loadParser();
  const selectors = texts.map((text) => {
    const known = compiledSelectors.get(text);
    if (known !== undefined) return known;
    try {
      const matchers = parseMetricSelector(text).map((m) => matcher(m.name, m.type, m.value));
      compiledSelectors.keep(text, matchers);
      return matchers;
    } catch (error) {
      throw refuse(errorMessage(error), error);
    }
  });
  if (selectors.some((matchers) => matchers.every((m) => m.matches(''))))
    throw refuse('match[] must contain at least one non-empty matcher');
  return selectors;
}
