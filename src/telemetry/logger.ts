// The product's own log: one JSON object a line where a program reads it, one short line where a
// person does. Every line has a time, a level, a stable message and fields. Lines with the same
// level and message are throttled per window; the next one that passes says how many were dropped.
// Where lines go is given (`write`), so that this room does no input or output itself.
import type { Clock } from '../stdx/clock.ts';
import {
  LOG_KEYS_MAX,
  LOG_LINES_PER_WINDOW_MAX,
  LOG_VALUE_LENGTH_MAX,
  LOG_WINDOW_MS,
} from './limits.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

export interface LoggerOptions {
  readonly clock: Clock;
  /** Takes one line with its line feed; must not throw. */
  readonly write: (line: string) => void;
  readonly format: 'json' | 'text';
  /** The least level that is written. */
  readonly level: LogLevel;
}

interface Window {
  startedMs: number;
  passed: number;
  dropped: number;
}

export function createLogger(options: LoggerOptions): Logger {
  const { clock, write } = options;
  const least = LOG_LEVELS.indexOf(options.level);
  const windows = new Map<string, Window>();
  const format = options.format === 'json' ? jsonLine : textLine;

  function log(level: LogLevel, message: string, fields: LogFields): void {
    if (LOG_LEVELS.indexOf(level) < least) return;
    const dropped = admit(windows, `${level} ${message}`, clock.monotonicMs());
    if (dropped < 0) return;
    const all = dropped > 0 ? { ...fields, dropped } : fields;
    write(format(clock.nowMs(), level, message, all));
  }

  return {
    debug: (message, fields = {}) => log('debug', message, fields),
    info: (message, fields = {}) => log('info', message, fields),
    warn: (message, fields = {}) => log('warn', message, fields),
    error: (message, fields = {}) => log('error', message, fields),
  };
}

/** A logger that says nothing, for tests and tools. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** -1: drop this line; else the number of lines dropped since the last one that passed. */
function admit(windows: Map<string, Window>, key: string, nowMs: number): number {
  let window = windows.get(key);
  if (window === undefined) {
    const oldest = windows.size >= LOG_KEYS_MAX ? windows.keys().next().value : undefined;
    if (oldest !== undefined) windows.delete(oldest);
    window = { startedMs: nowMs, passed: 0, dropped: 0 };
    windows.set(key, window);
  }
  if (nowMs - window.startedMs >= LOG_WINDOW_MS) {
    window.startedMs = nowMs;
    window.passed = 0;
  }
  if (window.passed >= LOG_LINES_PER_WINDOW_MAX) {
    window.dropped += 1;
    return -1;
  }
  window.passed += 1;
  const { dropped } = window;
  window.dropped = 0;
  return dropped;
}

function clip(value: string | number | boolean): string | number | boolean {
  if (typeof value !== 'string' || value.length <= LOG_VALUE_LENGTH_MAX) return value;
  return `${value.slice(0, LOG_VALUE_LENGTH_MAX)}… (${value.length} characters)`;
}

function jsonLine(nowMs: number, level: LogLevel, message: string, fields: LogFields): string {
  const line: Record<string, unknown> = {
    time: new Date(nowMs).toISOString(),
    level,
    msg: message,
  };
  for (const [name, value] of Object.entries(fields))
    if (value !== undefined) line[name] = clip(value);
  return `${JSON.stringify(line)}\n`;
}

/** Control characters would let a hostile value repaint the terminal. */
function printable(value: string | number | boolean): string {
  const text = String(clip(value));
  return /^[\w.:/+@%-]+$/.test(text) ? text : JSON.stringify(text).replaceAll('\u007f', '\\u007f');
}

function textLine(nowMs: number, level: LogLevel, message: string, fields: LogFields): string {
  const time = new Date(nowMs).toISOString().slice(11, 19);
  const pairs = Object.entries(fields)
    .filter((pair): pair is [string, string | number | boolean] => pair[1] !== undefined)
    .map(([name, value]) => ` ${name}=${printable(value)}`);
  const mark = level === 'info' ? '' : `${level}: `;
  return `${time} ${mark}${message}${pairs.join('')}\n`;
}
