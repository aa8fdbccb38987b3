// Settings from the three places, strongest first: command line, environment (ORRERY_*),
// orrery.yaml, then the defaults. An unknown flag or key is an error with a suggestion; so is a
// value that does not parse, with the place it came from. Nothing here touches the disk: the file's
// text is given.
import { environmentName, FLAGS, flagRows } from './flags.ts';
import type { Flag, SettingKey, Settings } from './flags.ts';
import { SettingError } from './kinds.ts';

export interface Sources {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Text of the settings file by path; undefined where there is none. */
  readonly readConfig: (path: string) => Promise<string | undefined>;
}

export interface Loaded {
  readonly settings: Settings;
  /** Where each setting that is not a default came from, e.g. `--data` or `orrery.yaml`. */
  readonly origins: ReadonlyMap<SettingKey, string>;
  /** Remarks that do not stop a start. */
  readonly warnings: readonly string[];
}

type Row = Flag<unknown> & { readonly key: SettingKey };

class Values {
  readonly values = new Map<SettingKey, unknown>();
  readonly origins = new Map<SettingKey, string>();

  /** Keeps what a stronger source set; a list grows inside one source. */
  set(row: Row, text: string, origin: string): void {
    const before = this.origins.get(row.key);
    if (before !== undefined && before !== origin) return;
    let value: unknown;
    try {
      value = row.kind.parse(text);
    } catch (error) {
      if (!(error instanceof SettingError)) throw error;
      throw new SettingError(`${origin}: "${text}": ${error.message}`, { cause: error });
    }
    const known = this.values.get(row.key);
    const isMore = Array.isArray(known) && Array.isArray(value);
    this.values.set(row.key, isMore ? known.concat(value) : value);
    this.origins.set(row.key, origin);
  }
}

export async function loadSettings(sources: Sources): Promise<Loaded> {
  const values = new Values();
  const warnings: string[] = [];
  readArgs(values, sources.args);
  readEnvironment(values, sources.env, warnings);
  const configPath = (values.values.get('config') as string | undefined) ?? FLAGS.config.fallback;
  const text = await sources.readConfig(configPath);
  if (text !== undefined) await readYaml(values, text, configPath);
  else if (values.origins.has('config'))
    throw new SettingError(`${values.origins.get('config')}: there is no file "${configPath}"`);
  const settings: Record<string, unknown> = {};
  for (const row of flagRows())
    settings[row.key] = values.values.has(row.key) ? values.values.get(row.key) : row.fallback;
  return { settings: settings as Settings, origins: values.origins, warnings };
}

function readArgs(values: Values, args: readonly string[]): void {
  const rows = new Map<string, Row>(flagRows().map((row) => [row.flag, row]));
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (!arg.startsWith('--'))
      throw new SettingError(`"${arg}" is not expected here; every setting is a flag (--NAME)`);
    const equals = arg.indexOf('=');
    const name = arg.slice(2, equals < 0 ? undefined : equals);
    const negated = name.startsWith('no-') ? rows.get(name.slice(3)) : undefined;
    if (negated?.kind.isSwitch === true && equals < 0) {
      values.set(negated, 'false', `--${negated.flag}`);
      continue;
    }
    const row = rows.get(name);
    if (row === undefined) throw new SettingError(unknown('flag', `--${name}`, flagNames(rows)));
    if (equals >= 0) values.set(row, arg.slice(equals + 1), `--${name}`);
    else if (row.kind.isSwitch) values.set(row, 'true', `--${name}`);
    else {
      i += 1;
      const value = args[i];
      if (value === undefined)
        throw new SettingError(`--${name} needs a value: --${name} ${row.kind.placeholder}`);
      values.set(row, value, `--${name}`);
    }
  }
}

function flagNames(rows: ReadonlyMap<string, Row>): string[] {
  return [...rows.values()].flatMap(({ flag, kind }) =>
    kind.isSwitch ? [`--${flag}`, `--no-${flag}`] : [`--${flag}`],
  );
}

function readEnvironment(values: Values, env: Sources['env'], warnings: string[]): void {
  const rows = new Map(flagRows().map((row) => [environmentName(row.flag), row]));
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith('ORRERY_') || value === undefined) continue;
    const row = rows.get(name);
    if (row !== undefined) values.set(row, value, name);
    else warnings.push(`${unknown('environment variable', name, [...rows.keys()])}; ignored`);
  }
}

async function readYaml(values: Values, text: string, path: string): Promise<void> {
  const { parseDocument } = await import('yaml');
  const document = parseDocument(text, { prettyErrors: true });
  const [error] = document.errors;
  if (error !== undefined) throw new SettingError(`${path}: ${error.message}`);
  const content: unknown = document.toJS({ maxAliasCount: 0 });
  if (content === null) return;
  if (typeof content !== 'object' || Array.isArray(content))
    throw new SettingError(`${path}: expected one "key: value" a line`);
  const rows = new Map(flagRows().map((row) => [row.flag, row]));
  for (const [key, value] of Object.entries(content)) {
    const row = key === 'config' ? undefined : rows.get(key);
    if (row === undefined)
      throw new SettingError(`${path}: ${unknown('key', key, [...rows.keys()])}`);
    const items: unknown[] = Array.isArray(value) && row.kind.isList ? value : [value];
    for (const item of items) {
      if (!['string', 'number', 'boolean'].includes(typeof item))
        throw new SettingError(`${path}: ${key}: expected one plain value`);
      values.set(row, String(item), `${path}: ${key}`);
    }
  }
}

/** `unknown flag --htp; did you mean --http?` */
export function unknown(what: string, name: string, known: readonly string[]): string {
  const best = known
    .map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
    .reduce((a, b) => (b.distance < a.distance ? b : a));
  const isClose = best.distance <= Math.max(2, Math.floor(name.length / 3));
  return `unknown ${what} ${name}${isClose ? `; did you mean ${best.candidate}?` : ''}`;
}

/** Levenshtein distance; both texts are short. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(replace, previous[j]! + 1, row[j - 1]! + 1));
    }
    previous = row;
  }
  return previous[b.length]!;
}
