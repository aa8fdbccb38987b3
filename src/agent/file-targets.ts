// Targets from files of a folder, as Prometheus' file_sd: JSON or YAML, a list of groups of
// `targets` and `labels`. The folder is looked at every few seconds; a file counts when its text
// has changed, and one that cannot be read keeps what it said before. Source: Prometheus
// discovery/file/file.go.
import { errorMessage } from '../stdx/assert.ts';
import type { Files } from '../stdx/files.ts';
import type { Scheduler } from '../stdx/scheduler.ts';
import type { Logger } from '../telemetry/logger.ts';
import { ACCESS_FILE_LABELS } from './target-access.ts';
import { TARGET_FILE_BYTES_MAX, TARGET_FILES_EVERY_MS, TARGET_FILES_MAX } from './limits.ts';

/** A target as it was found: `__address__`, `job` and others. */
export type DiscoveredTarget = Readonly<Record<string, string>>;

export interface FileTargetsOptions {
  readonly folder: string;
  /** Names of files in the folder that count; default: all. */
  readonly names?: RegExp;
  /** Is the file's name the job of targets that say none? */
  readonly namesJob: boolean;
  readonly files: Files;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  /** Text of a .json, .yml or .yaml file as a value; throws where it is none. */
  readonly parse: (text: string, name: string) => unknown;
  /** All targets, whenever a file changed. */
  readonly onTargets: (targets: readonly DiscoveredTarget[]) => void;
}

interface KnownFile {
  readonly text: string;
  readonly targets: readonly DiscoveredTarget[];
}

export class FileTargets {
  readonly #options: FileTargetsOptions;
  #known: ReadonlyMap<string, KnownFile> = new Map();
  #problem = '';
  #cancel: (() => void) | undefined = undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: FileTargetsOptions) {
    this.#options = options;
  }

  /** Resolves when the folder was read once. */
  async start(): Promise<void> {
    this.#running = this.#look();
    await this.#running;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel?.();
    await this.#running;
  }

  async #look(): Promise<void> {
    const { scheduler, onTargets } = this.#options;
    const before = this.#known;
    const known = await this.#read();
    if (known !== undefined) {
      this.#known = known;
      const isSame =
        known.size === before.size &&
        [...known].every(([name, file]) => before.get(name)?.targets === file.targets);
      if (!isSame) onTargets([...known.values()].flatMap(({ targets }) => targets));
    }
    if (this.#stopped) return;
    this.#cancel = scheduler.after(TARGET_FILES_EVERY_MS, () => {
      this.#running = this.#look();
    });
  }

  /** undefined: the folder could not be listed, what was known stays. */
  async #read(): Promise<ReadonlyMap<string, KnownFile> | undefined> {
    const { folder, files } = this.#options;
    let names: readonly string[];
    try {
      names = await files.list(folder);
    } catch (error) {
      this.#tell(folder, error);
      return undefined;
    }
    const known = new Map<string, KnownFile>();
    const pattern = this.#options.names ?? /\.(?:json|ya?ml)$/;
    const wanted = names.filter((name) => pattern.test(name));
    for (const name of wanted.slice(0, TARGET_FILES_MAX)) {
      const file = await this.#readFile(name);
      if (file !== undefined) known.set(name, file);
    }
    return known;
  }

  async #readFile(name: string): Promise<KnownFile | undefined> {
    const { folder, files, parse, namesJob } = this.#options;
    const path = `${folder}/${name}`;
    const before = this.#known.get(name);
    try {
      const text = Buffer.from(await files.readWhole(path, TARGET_FILE_BYTES_MAX)).toString();
      if (text === before?.text) return before;
      const targets = targetsOf(parse(text, name), name, path);
      return { text, targets: namesJob ? targets.map((one) => namedAfter(name, one)) : targets };
    } catch (error) {
      this.#tell(path, error);
      return before;
    }
  }

  /** One line a problem, not one every few seconds. */
  #tell(path: string, error: unknown): void {
    const problem = `${path}: ${errorMessage(error)}`;
    if (problem !== this.#problem)
      this.#options.logger.warn('scrape targets cannot be read', { path, error: problem });
    this.#problem = problem;
  }
}

/**
 * A file in the folder of targets: whoever may write targets there must not have any file of the
 * server's machine sent to an address of his choice.
 */
function besideOf(path: string, label: string, name: string): string {
  if (!/^[^./\\][^/\\]*$/.test(name))
    throw new Error(`label "${label}" names no file in the folder of the targets`);
  return path.slice(0, path.lastIndexOf('/') + 1) + name;
}

function targetsOf(value: unknown, name: string, path: string): readonly DiscoveredTarget[] {
  if (!Array.isArray(value)) throw new Error('expected a list of groups of targets');
  return value.flatMap((group: unknown) => groupTargets(group, name, path));
}

function groupTargets(group: unknown, name: string, path: string): DiscoveredTarget[] {
  if (typeof group !== 'object' || group === null) throw new Error('a group is no object');
  const { targets = [], labels = {}, ...rest } = group as Readonly<Record<string, unknown>>;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) throw new Error(`a group has the unknown field "${unknown}"`);
  if (!Array.isArray(targets)) throw new Error('"targets" is no list');
  const given: Record<string, string> = {};
  for (const [label, text] of Object.entries((labels ?? {}) as Readonly<Record<string, unknown>>)) {
    if (typeof text !== 'string' && typeof text !== 'number' && typeof text !== 'boolean')
      throw new Error(`label "${label}" is no text`);
    given[label] = ACCESS_FILE_LABELS.includes(label)
      ? besideOf(path, label, String(text))
      : String(text);
  }
  return targets.map((address: unknown) => {
    if (typeof address !== 'string' || address === '') throw new Error('a target is no address');
    return { ...given, __address__: address, __meta_filepath: path };
  });
}

function namedAfter(name: string, target: DiscoveredTarget): DiscoveredTarget {
  return { job: name.replace(/\.[a-z]+$/, ''), ...target };
}
