// Calendar of Unix times in UTC for the date functions. Days since the epoch become a Gregorian
// date by counting in 400-year cycles that begin in March (Hinnant, "chrono-Compatible Low-Level
// Date Algorithms"). Works for every time a 64-bit count of seconds can hold.

const DAY_SECONDS = 86_400;
const CYCLE_DAYS = 146_097;
/** Days from 0000-03-01 to 1970-01-01. */
const EPOCH_DAYS = 719_468;
const INT64_LIMIT = 2 ** 63;

export interface CalendarTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  /** 0 is Sunday. */
  readonly dayOfWeek: number;
  readonly dayOfYear: number;
  readonly daysInMonth: number;
}

/**
 * What the reference makes of NaN, infinities and all else that is no 64-bit count of seconds: the
 * last moment its clock knows.
 */
const OUT_OF_RANGE: CalendarTime = {
  year: 292_277_026_596,
  month: 12,
  day: 4,
  hour: 15,
  minute: 30,
  dayOfWeek: 0,
  dayOfYear: 339,
  daysInMonth: 31,
};

function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

const DAYS_IN_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function lengthOfMonth(year: number, month: number): number {
  return month === 2 && isLeapYear(year) ? 29 : DAYS_IN_MONTH[month - 1]!;
}

/** Fractions of a second are cut off. */
export function calendarTime(unixSeconds: number): CalendarTime {
  const seconds = Math.trunc(unixSeconds);
  if (!(seconds >= -INT64_LIMIT && seconds < INT64_LIMIT)) return OUT_OF_RANGE;
  // Not a difference: above 2^53 the product of days and seconds would be rounded.
  const behind = seconds % DAY_SECONDS;
  const rest = behind < 0 ? behind + DAY_SECONDS : Math.abs(behind);
  const days = Math.round((seconds - rest) / DAY_SECONDS);
  const cycle = Math.floor((days + EPOCH_DAYS) / CYCLE_DAYS);
  const dayOfCycle = days + EPOCH_DAYS - cycle * CYCLE_DAYS;
  const yearOfCycle = Math.floor(
    (dayOfCycle -
      Math.floor(dayOfCycle / 1460) +
      Math.floor(dayOfCycle / 36_524) -
      Math.floor(dayOfCycle / 146_096)) /
      365,
  );
  const yearStart = 365 * yearOfCycle + Math.floor(yearOfCycle / 4) - Math.floor(yearOfCycle / 100);
  const dayFromMarch = dayOfCycle - yearStart;
  const monthFromMarch = Math.floor((5 * dayFromMarch + 2) / 153);
  const day = dayFromMarch - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const year = yearOfCycle + cycle * 400 + (month <= 2 ? 1 : 0);
  let dayOfYear = day;
  for (let before = 1; before < month; before++) dayOfYear += lengthOfMonth(year, before);
  return {
    year,
    month,
    day,
    hour: Math.floor(rest / 3600),
    minute: Math.floor((rest % 3600) / 60),
    dayOfWeek: (((days + 4) % 7) + 7) % 7,
    dayOfYear,
    daysInMonth: lengthOfMonth(year, month),
  };
}
