// Log lines: shape, levels, throttling with a dropped count, hostile values.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LOG_LINES_PER_WINDOW_MAX, LOG_VALUE_LENGTH_MAX, LOG_WINDOW_MS } from './limits.ts';
import { createLogger } from './logger.ts';
import type { LogLevel } from './logger.ts';

function setup(format: 'json' | 'text', level: LogLevel = 'info') {
  const lines: string[] = [];
  const time = { ms: Date.UTC(2026, 0, 2, 3, 4, 5, 6) };
  const clock = { nowMs: () => time.ms, monotonicMs: () => time.ms };
  const logger = createLogger({ clock, format, level, write: (line) => lines.push(line) });
  return { lines, time, logger };
}

test('json lines carry time, level, msg and fields', () => {
  const { lines, logger } = setup('json');
  logger.info('ready', { url: 'http://127.0.0.1:4332', pid: 7, unset: undefined });
  logger.debug('not shown');
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)),
    [
      {
        time: '2026-01-02T03:04:05.006Z',
        level: 'info',
        msg: 'ready',
        url: 'http://127.0.0.1:4332',
        pid: 7,
      },
    ],
  );
  assert.equal(lines[0]!.at(-1), '\n');
});

test('text lines are short and never carry control characters', () => {
  const { lines, logger } = setup('text');
  logger.warn('refused', { host: 'a\u001b[31m\nb\u007f', count: 3 });
  assert.equal(lines[0], '03:04:05 warn: refused host="a\\u001b[31m\\nb\\u007f" count=3\n');
});

test('equal lines are throttled and the next window says how many were dropped', () => {
  const { lines, time, logger } = setup('json');
  for (let i = 0; i < LOG_LINES_PER_WINDOW_MAX + 5; i++) logger.warn('full');
  logger.warn('other');
  assert.equal(lines.length, LOG_LINES_PER_WINDOW_MAX + 1);
  time.ms += LOG_WINDOW_MS;
  logger.warn('full');
  logger.warn('full');
  assert.equal(JSON.parse(lines.at(-2)!).dropped, 5);
  assert.equal(JSON.parse(lines.at(-1)!).dropped, undefined);
});

test('long values are clipped', () => {
  const { lines, logger } = setup('json');
  logger.error('bad', { text: 'x'.repeat(LOG_VALUE_LENGTH_MAX * 10) });
  assert.ok(lines[0]!.length < LOG_VALUE_LENGTH_MAX * 2);
});
