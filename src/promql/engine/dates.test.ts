// The calendar against the runtime's own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { calendarTime } from './dates.ts';

test('agrees with Temporal wherever that knows the time', () => {
  fc.assert(
    fc.property(fc.integer({ min: -8.64e12, max: 8.64e12 }), (seconds) => {
      const expected = Temporal.Instant.fromEpochMilliseconds(seconds * 1000);
      const { year, month, day, hour, minute, dayOfWeek, dayOfYear, daysInMonth } =
        expected.toZonedDateTimeISO('UTC');
      assert.deepEqual(calendarTime(seconds), {
        year,
        month,
        day,
        hour,
        minute,
        dayOfWeek: dayOfWeek % 7,
        dayOfYear,
        daysInMonth,
      });
    }),
    { numRuns: 300 },
  );
});

/** Of 400 years, after which days have the same names again. */
const CYCLE_SECONDS = 146_097n * 86_400n;

test('of all that a 64-bit count of seconds can hold, the same as 400 years earlier or later', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n) + 512n, max: 2n ** 63n - 1024n }), (given) => {
      const seconds = BigInt(Number(given));
      const behind = ((seconds % CYCLE_SECONDS) + CYCLE_SECONDS) % CYCLE_SECONDS;
      const { year, ...rest } = calendarTime(Number(behind));
      const cycles = (seconds - behind) / CYCLE_SECONDS;
      assert.deepEqual(calendarTime(Number(seconds)), {
        year: year + 400 * Number(cycles),
        ...rest,
      });
    }),
    { numRuns: 5000 },
  );
});

test('what is no time is the last one', () => {
  for (const value of [Number.NaN, Infinity, -Infinity, 1e300])
    assert.equal(calendarTime(value).year, 292_277_026_596);
  assert.equal(calendarTime(1e15).year, 31_690_708);
});
