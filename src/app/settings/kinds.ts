// Kinds of settings: how the text of a flag, an environment variable or a YAML value becomes a
// typed value, and how a default is printed. A parser throws SettingError with what was expected.

import { isLimitId, LIMIT_IDS, limitProblem, LIMITS } from '../../tenancy/limit-table.ts';
import type { LimitId } from '../../tenancy/limit-table.ts';

/** What an operator wrote cannot be used; the message is a sentence for her. */
export class SettingError extends Error {
  override readonly name = 'SettingError';
}

export interface Kind<T> {
  /** Shown in `--help` and docs, e.g. `HOST:PORT`; '' for switches. */
  readonly placeholder: string;
  parse(text: string): T;
  print(value: T): string;
  /** A flag without a value, with a `--no-` form. */
  readonly isSwitch: boolean;
  /** Given again it adds; else the last one wins. */
  readonly isList: boolean;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

function kind<T>(placeholder: string, parse: Kind<T>['parse'], print: Kind<T>['print']): Kind<T> {
  return { placeholder, parse, print, isSwitch: false, isList: false };
}

export function path(placeholder: string): Kind<string> {
  return kind<string>(
    placeholder,
    (value) => {
      if (value === '' || value.includes('\0')) throw new SettingError('expected a path');
      return value;
    },
    String,
  );
}

/** Any text that `check` does not refuse. */
export function text(placeholder: string, check: (value: string) => void): Kind<string> {
  return kind<string>(
    placeholder,
    (value) => {
      check(value);
      return value;
    },
    String,
  );
}

export const flagSwitch: Kind<boolean> = {
  placeholder: '',
  isSwitch: true,
  isList: false,
  parse(value) {
    if (['true', '1', 'yes', 'on'].includes(value.toLowerCase())) return true;
    if (['false', '0', 'no', 'off'].includes(value.toLowerCase())) return false;
    throw new SettingError('expected true or false');
  },
  print: String,
};

/** `host:port`, `[v6]:port` or `:port` (every interface). */
export const address = kind<Address>(
  'HOST:PORT',
  (value) => {
    const match = /^(\[[0-9a-fA-F:.]+\]|[^:[\]\s]*):(\d{1,5})$/.exec(value);
    const port = Number(match?.[2]);
    if (match === null || port > 65_535)
      throw new SettingError('expected HOST:PORT, e.g. 127.0.0.1:4332');
    const host = match[1]!.replace(/^\[|\]$/g, '');
    return { host: host === '' ? '0.0.0.0' : host, port };
  },
  ({ host, port }) => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`),
);

/** A limit that may be absent: `none`. */
export function orNone<T>(of: Kind<T>): Kind<T | undefined> {
  return kind<T | undefined>(
    `${of.placeholder}|none`,
    (value) => (value === 'none' ? undefined : of.parse(value)),
    (value) => (value === undefined ? 'none' : of.print(value)),
  );
}

/** A part of a disk: bytes, or percent of its size. */
export interface DiskShare {
  readonly sizeBytes: number | undefined;
  readonly percent: number | undefined;
}

/** `10GiB`, `5%`, or `auto`: 5 % of the disk, at most 1 GiB. */
export const diskShare = kind<DiskShare>(
  'SIZE|PERCENT%|auto',
  (value) => {
    if (value === 'auto') return { sizeBytes: undefined, percent: undefined };
    const match = /^(\d+(?:\.\d+)?)\s*%$/.exec(value);
    if (match === null) return { sizeBytes: size.parse(value), percent: undefined };
    const percent = Number(match[1]);
    if (percent >= 100) throw new SettingError('expected less than 100%');
    return { sizeBytes: undefined, percent };
  },
  ({ sizeBytes, percent }) => {
    if (sizeBytes !== undefined) return size.print(sizeBytes);
    return percent === undefined ? 'auto' : `${percent}%`;
  },
);

export function integer(range: { readonly min: number; readonly max: number }): Kind<number> {
  return kind<number>(
    'N',
    (value) => {
      const number = Number(value);
      if (!/^\d+$/.test(value) || number < range.min || number > range.max)
        throw new SettingError(`expected a whole number from ${range.min} to ${range.max}`);
      return number;
    },
    String,
  );
}

export function choice<const T extends string>(values: readonly T[]): Kind<T> {
  return kind<T>(
    values.join('|'),
    (value) => {
      const found = values.find((known) => known === value);
      if (found === undefined) throw new SettingError(`expected one of ${values.join(', ')}`);
      return found;
    },
    String,
  );
}

/** Repeatable; one text may also hold several values separated by commas. */
export function list(placeholder: string, check: (item: string) => void): Kind<readonly string[]> {
  return {
    placeholder,
    isSwitch: false,
    isList: true,
    parse(value) {
      const items = value
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '');
      for (const item of items) check(item);
      return items;
    },
    print: (value) => value.join(','),
  };
}

const SIZE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** Bytes: `512MiB`, `4GiB`; K, M, G and T are powers of 1024 too. */
export const size = kind<number>(
  'SIZE',
  (value) => {
    const match = /^(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?$/i.exec(value);
    if (match === null) throw new SettingError('expected a size, e.g. 512MiB or 4GiB');
    const power = 'KMGT'.indexOf((match[2] ?? '').toUpperCase() || '-') + 1;
    return Math.round(Number(match[1]) * 1024 ** power);
  },
  (value) => {
    let unit = 0;
    let scaled = value;
    while (unit < SIZE_UNITS.length - 1 && scaled >= 1024 && scaled % 1024 === 0) {
      scaled /= 1024;
      unit += 1;
    }
    return `${scaled}${SIZE_UNITS[unit]}`;
  },
);

/** A size that is not too small to be meant; 0 has a meaning of its own. */
export function sizeFrom(minBytes: number): Kind<number> {
  return {
    ...size,
    parse(given) {
      const sizeBytes = size.parse(given);
      if (sizeBytes !== 0 && sizeBytes < minBytes)
        throw new SettingError(`expected 0, or at least ${size.print(minBytes)}`);
      return sizeBytes;
    },
  };
}

const DURATION_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** Milliseconds: `5s`, `1h30m`, `250ms`. */
export const duration = kind<number>(
  'DURATION',
  (value) => {
    if (!/^(?:\d+(?:ms|[smhdw]))+$/.test(value))
      throw new SettingError('expected a duration, e.g. 30s, 2m or 1h30m');
    let totalMs = 0;
    for (const part of value.matchAll(/(\d+)(ms|[smhdw])/g))
      totalMs += Number(part[1]) * DURATION_MS[part[2]!]!;
    return totalMs;
  },
  (value) => {
    const unit = ['w', 'd', 'h', 'm', 's'].find((u) => {
      const unitMs = DURATION_MS[u]!;
      return value > 0 && value % unitMs === 0;
    });
    return unit === undefined ? `${value}ms` : `${value / DURATION_MS[unit]!}${unit}`;
  },
);

/** Repeatable: `ID=VALUE`, with a size where the limit counts bytes, a duration where seconds. */
export const limits: Kind<readonly LimitSetting[]> = {
  placeholder: 'ID=VALUE',
  isSwitch: false,
  isList: true,
  parse: (value) =>
    value
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '')
      .map(limitSetting),
  print: (values) => values.map(({ id, value }) => `${id}=${value}`).join(','),
};

export interface LimitSetting {
  readonly id: LimitId;
  readonly value: number;
}

/** Throws SettingError. */
export function limitSetting(item: string): LimitSetting {
  const equals = item.indexOf('=');
  if (equals < 0) throw new SettingError('expected ID=VALUE, e.g. active-series=100000');
  const id = item.slice(0, equals).trim();
  const given = item.slice(equals + 1).trim();
  if (!isLimitId(id))
    throw new SettingError(`"${id}" is no limit; known are ${LIMIT_IDS.join(', ')}`);
  const { unit } = LIMITS[id];
  let value = Number(given);
  if (!/^\d+$/.test(given) && unit === 'bytes') value = size.parse(given);
  else if (!/^\d+$/.test(given) && unit === 'seconds') value = duration.parse(given) / 1000;
  else if (!/^\d+$/.test(given)) throw new SettingError(`expected a whole number for ${id}`);
  const problem = limitProblem(id, value, 'tenant');
  if (problem !== undefined) throw new SettingError(problem);
  return { id, value };
}
