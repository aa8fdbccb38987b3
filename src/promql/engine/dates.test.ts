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

test('what is no time is the last one', () => {
  for (const value of [Number.NaN, Infinity, -Infinity, 1e300])
    assert.equal(calendarTime(value).year, 292_277_026_596);
  assert.equal(calendarTime(1e15).year, 31_690_708);
});
