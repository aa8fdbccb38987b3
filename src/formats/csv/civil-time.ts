// Calendar fields → microseconds since 1970 (proleptic Gregorian, UTC), with nanoseconds apart.
// Only dates that exist: no February 30th, no hour 24, no leap second.
import { T_US_MAX } from '../limits.ts';

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;
const DAY_SEC = 86_400;

/** What a time reader found. */
export interface TimeRead {
  tUs: number;
  subNs: number;
}

export interface CivilTime {
  readonly year: number;
  /** From 1. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  /** 0 to 999,999,999. */
  readonly nanosecond: number;
  /** East of Greenwich. */
  readonly offsetSec: number;
}

export function daysIn(year: number, month: number): number {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return month === 2 && isLeap ? 29 : DAYS[month - 1]!;
}

/** Days from 1970-01-01; years begin in March here, so that a leap day is a year's last. */
function daysSince1970(year: number, month: number, day: number): number {
  const shifted = month > 2 ? year : year - 1;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const leapDays = Math.floor(shifted / 4) - Math.floor(shifted / 100) + Math.floor(shifted / 400);
  return shifted * 365 + leapDays + dayOfYear - 719_468;
}

/** False where there is no such time, or it is farther from 1970 than times may be. */
export function readCivil(civil: CivilTime, out: TimeRead): boolean {
  const { year, month, day, hour, minute, second, nanosecond, offsetSec } = civil;
  if (!(month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month))) return false;
  if (!(hour <= 23 && minute <= 59 && second <= 59)) return false;
  const clockSec = hour * 3600 + minute * 60 + second - offsetSec;
  const sec = daysSince1970(year, month, day) * DAY_SEC + clockSec;
  out.tUs = sec * 1e6 + Math.floor(nanosecond / 1000);
  out.subNs = nanosecond % 1000;
  return Math.abs(out.tUs) <= T_US_MAX;
}

/** Nanoseconds of the digits behind a decimal point; what is finer is left out. */
export function fractionNs(digits: string): number {
  return Number(digits.slice(0, 9).padEnd(9, '0'));
}

/** The calendar fields of a time, in UTC. */
export function civilOf(tUs: number, subNs: number): CivilTime {
  const sec = Math.floor(tUs / 1e6);
  const days = Math.floor(sec / DAY_SEC);
  const clockSec = sec - days * DAY_SEC;
  // Eras of 400 years, in years that begin in March; Howard Hinnant, "chrono-compatible low-level
  // date algorithms".
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const leapDays = Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100);
  const dayOfYear = dayOfEra - (365 * yearOfEra + leapDays);
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1,
    hour: Math.floor(clockSec / 3600),
    minute: Math.floor(clockSec / 60) % 60,
    second: clockSec % 60,
    nanosecond: (tUs - sec * 1e6) * 1000 + subNs,
    offsetSec: 0,
  };
}

/** 0 is Sunday; in UTC. */
export function weekdayOf(tUs: number): number {
  const days = Math.floor(tUs / (DAY_SEC * 1e6)) + 4;
  return ((days % 7) + 7) % 7;
}
