// Which files an import reads, in a stable order, and which labels each of them brings: from a
// pattern over its name, and from a sidecar, a JSON file beside the data that describes its files:
//
//   { "series": [ { "file": "a.csv.gz", "labels": { "star": "Kepler-11" }, … }, … ] }
//
// `labels` of a file become labels; other texts and numbers of its entry, and named groups of the
// pattern, are fields, which column and label definitions refer to as {field}.
import { basename, dirname, join, relative, resolve } from 'node:path';
import { errorMessage } from '../../stdx/assert.ts';
import { listTree } from '../../stdx/files.ts';
import { realFiles } from '../real/files.ts';
import { STDIN } from './import-input.ts';
import { UsageError } from './usage-error.ts';

const SIDECAR_BYTES_MAX = 64 * 1024 * 1024;

export interface ImportFile {
  /** STDIN or a path. */
  readonly path: string;
  /** As it was packed; 0 where it is not known. */
  readonly sizeBytes: number;
  /** Labels of the sidecar. */
  readonly labels: Readonly<Record<string, string>>;
  readonly fields: ReadonlyMap<string, string>;
}

export interface FileRules {
  /** A path; a bare name is looked for in the folder that is imported first. */
  readonly sidecar: string | undefined;
  /** Over the path from the given folder on, or the file's name. */
  readonly pattern: RegExp | undefined;
}

/** What a sidecar says about a file. */
type Entry = Readonly<Record<string, unknown>>;

function entriesOf(json: unknown): readonly Entry[] | undefined {
  const isRecord = typeof json === 'object' && json !== null;
  const list = Array.isArray(json) ? json : isRecord ? (json as Entry)['series'] : undefined;
  if (!Array.isArray(list)) return undefined;
  const isEntry = (one: unknown): boolean =>
    typeof one === 'object' && one !== null && typeof (one as Entry)['file'] === 'string';
  return list.every(isEntry) ? (list as Entry[]) : undefined;
}

/** Entries by the absolute path of their file. */
async function readSidecar(path: string): Promise<ReadonlyMap<string, Entry>> {
  let entries: readonly Entry[] | undefined;
  try {
    const bytes = await realFiles.readWhole(path, SIDECAR_BYTES_MAX);
    entries = entriesOf(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch (error) {
    throw new UsageError(`--sidecar '${path}': ${errorMessage(error)}`, { cause: error });
  }
  if (entries === undefined)
    throw new UsageError(`--sidecar '${path}': expected {"series": [{"file": NAME, …}, …]}`);
  return new Map(entries.map((one) => [resolve(dirname(path), String(one['file'])), one]));
}

function labelsOf(entry: Entry | undefined, path: string): Readonly<Record<string, string>> {
  const labels = entry?.['labels'] ?? {};
  if (typeof labels !== 'object' || labels === null || Array.isArray(labels))
    throw new UsageError(`the sidecar's labels of '${path}' are no object`);
  const out: Record<string, string> = {};
  for (const [name, value] of Object.entries(labels)) {
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean')
      throw new UsageError(`the sidecar's label '${name}' of '${path}' is no text`);
    out[name] = String(value);
  }
  return out;
}

function fieldsOf(entry: Entry | undefined, groups: Readonly<Record<string, string>>) {
  const fields = new Map<string, string>(Object.entries(groups));
  for (const [name, value] of Object.entries(entry ?? {}))
    if (typeof value === 'string' || typeof value === 'number') fields.set(name, String(value));
  return fields;
}

/** A given path: a file, or the files of a folder and its folders, sorted by path. */
async function filesOf(
  given: string,
): Promise<
  readonly { readonly path: string; readonly name: string; readonly sizeBytes: number }[]
> {
  if (given === STDIN) return [{ path: STDIN, name: STDIN, sizeBytes: 0 }];
  const stat = await realFiles.stat(given);
  if (stat === undefined) throw new UsageError(`'${given}' is not there`);
  if (!stat.isDirectory) return [{ path: given, name: basename(given), sizeBytes: stat.sizeBytes }];
  const found: { path: string; name: string; sizeBytes: number }[] = [];
  for await (const { path, sizeBytes } of listTree(realFiles, given))
    if (!path.split('/').some((part) => part.startsWith('.')))
      found.push({ path: join(given, path), name: path, sizeBytes });
  return found.toSorted((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)));
}

/** In a given folder, or beside a given file; else as it is. */
async function sidecarPath(sidecar: string, given: readonly string[]): Promise<string> {
  for (const one of given) {
    if (one === STDIN) continue;
    const stat = await realFiles.stat(one);
    const beside = join(stat?.isDirectory === true ? one : dirname(one), sidecar);
    if ((await realFiles.stat(beside)) !== undefined) return beside;
  }
  return sidecar;
}

/** All files of the given paths. Throws UsageError where one is not there or not described. */
export async function importFiles(
  given: readonly string[],
  { sidecar, pattern }: FileRules,
): Promise<readonly ImportFile[]> {
  const from = sidecar === undefined ? undefined : await sidecarPath(sidecar, given);
  const entries = from === undefined ? undefined : await readSidecar(from);
  const out: ImportFile[] = [];
  for (const one of given)
    for (const { path, name, sizeBytes } of await filesOf(one)) {
      if (from !== undefined && resolve(path) === resolve(from)) continue;
      const entry = entries?.get(resolve(path));
      if (entries !== undefined && entry === undefined && path !== STDIN)
        throw new UsageError(`'${relative('.', from!)}' says nothing about '${path}'`);
      const match = pattern?.exec(name);
      if (match === null)
        throw new UsageError(`--file-pattern does not fit '${name}' (of '${path}')`);
      const fields = fieldsOf(entry, match?.groups ?? {});
      out.push({ path, sizeBytes, labels: labelsOf(entry, path), fields });
    }
  return out;
}

/** The text with each {field} replaced; undefined where the file has no such field. */
export function filled(text: string, { fields, path }: ImportFile): string {
  return text.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = fields.get(name);
    if (value !== undefined) return value;
    const known = [...fields.keys()].join(', ') || 'none';
    throw new UsageError(`'${path}' has no field {${name}}; it has: ${known}`);
  });
}
