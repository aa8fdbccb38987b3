// Times on the command line.
import { parseDurationMs } from '../../promql/durations.ts';
import { UsageError } from './usage-error.ts';

/** Unix seconds, RFC 3339, `now` or `now-6h`, as Unix seconds. */
export function seconds(text: string): number {
  const past = /^now(?:-(.+))?$/.exec(text);
  if (past !== null) return Date.now() / 1000 - agoSec(past[1], text);
  const sec = /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : Date.parse(text) / 1000;
  if (Number.isNaN(sec)) throw notATime(text);
  return sec;
}

function agoSec(duration: string | undefined, text: string): number {
  if (duration === undefined) return 0;
  try {
    return parseDurationMs(duration) / 1000;
  } catch (error) {
    throw notATime(text, error);
  }
}

function notATime(text: string, cause?: unknown): UsageError {
  const forms = 'RFC 3339, Unix seconds, now or now-6h';
  return new UsageError(`"${text}" is not a time (${forms})`, { cause });
}

/** A duration such as `5m`, in milliseconds. */
export function durationMs(flag: string, text: string): number {
  try {
    return parseDurationMs(text);
  } catch (error) {
    throw new UsageError(`${flag} "${text}" is not a duration (30s, 5m, 2h)`, { cause: error });
  }
}
