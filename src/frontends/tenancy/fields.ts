// JSON bodies and query strings read strictly: what is not known is refused, what is wrong is named
// by its place (a JSON pointer, RFC 6901) together with what is allowed. Names such as `__proto__`
// are data: objects are walked by their own entries and kept in maps.
import { DURATION_SECONDS_MAX, parseDurationMs } from '../../promql/durations.ts';
import { AppError } from '../../model/errors.ts';
import { HTTP_STATUS } from '../../model/errors.ts';
import { errorMessage } from '../../stdx/assert.ts';
import type { Answer } from '../http/answer.ts';
import { nativeErrors } from '../http/errors.ts';
import type { Exchange } from '../http/exchange.ts';

/** One field of a request is wrong. */
export class FieldError extends AppError {
  /** JSON pointer into the body; '' is the body itself. Of a query string the parameter's name. */
  readonly path: string;

  constructor(path: string, reason: string, options: { readonly cause?: unknown } = {}) {
    super('invalid', 'bad-field', `${path === '' ? 'the body' : path} ${reason}`, options);
    this.path = path;
  }
}

/** The native form, with the place of the mistake where there is one. */
export function fieldErrors(error: AppError): Answer {
  if (!(error instanceof FieldError)) return nativeErrors(error);
  const { code, kind, message, retryable, path } = error;
  return {
    status: HTTP_STATUS[kind],
    headers: { 'Content-Type': 'application/json; charset=utf-8' },
    body: JSON.stringify({ error: { code, kind, message, retryable, path } }),
  };
}

/** Fields of an object by name. */
export type Fields = ReadonlyMap<string, unknown>;

export function pathTo(parent: string, field: string | number): string {
  return `${parent}/${String(field).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

/** What is there instead. */
function but(value: unknown): string {
  return value === undefined ? '; it is missing' : `, not ${shown(value)}`;
}

/** The body as an object that has none but the allowed fields. */
export async function bodyFields(exchange: Exchange, allowed: readonly string[]): Promise<Fields> {
  const bytes = await exchange.body();
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new FieldError('', `is no JSON in UTF-8 (${errorMessage(cause)})`, { cause });
  }
  return fieldsOf(value, '', allowed);
}

/** `allowed` undefined: any names. */
export function fieldsOf(value: unknown, path: string, allowed?: readonly string[]): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new FieldError(path, `must be an object${but(value)}`);
  const fields = new Map(Object.entries(value));
  for (const name of fields.keys())
    if (allowed !== undefined && !allowed.includes(name))
      throw new FieldError(pathTo(path, name), `is not known; allowed: ${allowed.join(', ')}`);
  return fields;
}

export interface TextRule {
  readonly lengthMax: number;
  /** Default 1. */
  readonly lengthMin?: number;
  readonly pattern?: RegExp;
  /** What `pattern` says, for people. */
  readonly allowed?: string;
}

export function textOf(value: unknown, path: string, rule: TextRule): string {
  const { lengthMax, lengthMin = 1, pattern, allowed } = rule;
  if (typeof value !== 'string') throw new FieldError(path, `must be text${but(value)}`);
  if (!value.isWellFormed()) throw new FieldError(path, 'must be Unicode without half characters');
  // Code points, as a JSON schema counts.
  const { length } = value.length <= 2 * lengthMax ? Array.from(value) : value;
  if (length < lengthMin || length > lengthMax)
    throw new FieldError(path, `must have ${lengthMin} to ${lengthMax} characters, not ${length}`);
  if (pattern?.test(value) === false)
    throw new FieldError(path, `must be ${allowed ?? String(pattern)}${but(value)}`);
  return value;
}

export function choiceOf<T extends string>(value: unknown, path: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === value);
  if (found === undefined)
    throw new FieldError(path, `must be one of ${allowed.join(', ')}${but(value)}`);
  return found;
}

export interface ListRule {
  readonly countMin?: number;
  readonly countMax: number;
}

/** Items are different from each other. */
export function listOf<T>(
  value: unknown,
  path: string,
  { countMin = 0, countMax }: ListRule,
  item: (value: unknown, path: string) => T,
): T[] {
  if (!Array.isArray(value)) throw new FieldError(path, `must be a list${but(value)}`);
  if (value.length < countMin || value.length > countMax)
    throw new FieldError(path, `must have ${countMin} to ${countMax} items, not ${value.length}`);
  const items = value.map((one: unknown, i) => item(one, pathTo(path, i)));
  const twice = items.findIndex((one, i) => items.indexOf(one) < i);
  if (twice >= 0) throw new FieldError(pathTo(path, twice), `is in the list twice`);
  return items;
}

export function wholeOf(
  value: unknown,
  path: string,
  { min, max }: { readonly min: number; readonly max: number },
): number {
  if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max)
    return value as number;
  throw new FieldError(path, `must be a whole number from ${min} to ${max}${but(value)}`);
}

/** Milliseconds of such as `30d`, above 0. */
export function durationOf(value: unknown, path: string): number {
  const text = textOf(value, path, { lengthMax: 50 });
  let ms: number;
  try {
    ms = parseDurationMs(text);
  } catch (cause) {
    throw new FieldError(path, `must be a duration such as 30d or 12h, not ${shown(text)}`, {
      cause,
    });
  }
  if (ms > 0 && ms <= DURATION_SECONDS_MAX * 1000) return ms;
  throw new FieldError(path, `must be a duration above 0, not ${shown(text)}`);
}

/** Microseconds of a time as RFC 3339 writes it. */
export function timeUsOf(
  value: unknown,
  path: string,
  parse: (text: string) => number | undefined,
): number {
  const text = textOf(value, path, { lengthMax: 50 });
  const tUs = /^\d{4}-/.test(text) ? parse(text) : undefined;
  if (tUs !== undefined) return tUs;
  const example = '2026-12-31T23:59:59Z';
  throw new FieldError(path, `must be a time such as ${example} (RFC 3339), not ${shown(text)}`);
}

/** Parameters of the query string, each at most once, none but the allowed. */
export function queryFields(
  exchange: Exchange,
  allowed: readonly string[],
): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const [name, value] of exchange.search) {
    if (!allowed.includes(name)) {
      const known = allowed.length === 0 ? 'none' : allowed.join(', ');
      throw new FieldError(name.slice(0, 100), `is no parameter here; allowed: ${known}`);
    }
    if (fields.has(name)) throw new FieldError(name, 'is given twice');
    fields.set(name, value);
  }
  return fields;
}

export function wholeParameter(
  fields: ReadonlyMap<string, string>,
  name: string,
  { min, max, fallback }: { readonly min: number; readonly max: number; readonly fallback: number },
): number {
  const text = fields.get(name);
  if (text === undefined) return fallback;
  return wholeOf(/^\d{1,16}$/.test(text) ? Number(text) : text, name, { min, max });
}
