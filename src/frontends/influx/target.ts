// Where lines of InfluxDB go: database and retention policy as one text, and as labels.

/** As ingest knows all of InfluxDB's writes: they share what they learn about rows. */
export const INFLUX_PROTOCOL = 'influx';

export interface InfluxDatabase {
  /** '' = none. */
  readonly database: string;
  /** '' = none. */
  readonly retention: string;
}

/** `DB` or `DB/RP`, as 2.x and 3 name what was a database and a retention policy in 1.x. */
export function bucketOf(text: string): InfluxDatabase {
  const slash = text.indexOf('/');
  if (slash < 0) return { database: text, retention: '' };
  return { database: text.slice(0, slash), retention: text.slice(slash + 1) };
}

/** Labels of every row, flat name, value. */
export function mappingOf({ database, retention }: InfluxDatabase): string[] {
  const mapping: string[] = [];
  if (database !== '') mapping.push('db', database);
  if (retention !== '') mapping.push('rp', retention);
  return mapping;
}
