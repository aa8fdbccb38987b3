// What survives a power cut. An inode keeps three things: the bytes programs see, the bytes that
// are safe, and the un-synced changes between them in order. Names are kept the same way, per
// folder. At a power cut every un-synced change survives wholly, partly or not at all, as the seed
// says; a plain kill keeps everything, because the page cache outlives the process.
import { FileError } from '../../src/stdx/files.ts';
import { type Prng, randomInt, randomUnit } from '../../src/stdx/prng.ts';

/** What a disk writes as a whole: old sectors, new sectors or pages of the page cache. */
const PIECE_BYTES = [512, 4096] as const;

/** Lies the disk tells: each must turn a suite red that claims to depend on the truth. */
export interface DiskMutations {
  /** datasync() resolves and saves nothing. */
  readonly ignoreDatasync?: boolean;
  /** syncDirectory() resolves and saves nothing. */
  readonly ignoreSyncDirectory?: boolean;
  /** rename() copies into the target bit by bit and then removes the source. */
  readonly renameNotAtomic?: boolean;
  /** A read takes what the first call gives, though the file goes on. */
  readonly readOnce?: boolean;
}

export type CrashKind = 'power' | 'kill';

/** Files grow a few bytes at a time. */
const FIRST_BYTES = 1024;

class SimBuffer {
  #bytes = new Uint8Array(0);
  size = 0;

  view(): Uint8Array {
    return this.#bytes.subarray(0, this.size);
  }

  write(bytes: Uint8Array, offset: number): void {
    const end = offset + bytes.length;
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(end, this.#bytes.length * 2, FIRST_BYTES));
      grown.set(this.view());
      this.#bytes = grown;
    }
    this.#bytes.set(bytes, offset);
    if (end > this.size) this.size = end;
  }

  resize(size: number): void {
    if (size > this.size) this.write(new Uint8Array(size - this.size), this.size);
    this.#bytes.fill(0, size, this.size);
    this.size = size;
  }

  copyFrom(other: SimBuffer): void {
    this.#bytes = other.view().slice();
    this.size = other.size;
  }
}

type Change =
  | { readonly sequence: number; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly sequence: number; readonly truncateTo: number };

export class Inode {
  readonly seen = new SimBuffer();
  readonly safe = new SimBuffer();
  changes: Change[] = [];

  write(sequence: number, bytes: Uint8Array, offset: number): void {
    this.seen.write(bytes, offset);
    this.changes.push({ sequence, offset, bytes: bytes.slice() });
  }

  truncate(sequence: number, size: number): void {
    this.seen.resize(size);
    this.changes.push({ sequence, truncateTo: size });
  }

  /** Everything changed up to `sequence` is safe. */
  saveUpTo(sequence: number): void {
    let count = 0;
    for (const change of this.changes) {
      if (change.sequence > sequence) break;
      applyChange(this.safe, change);
      count++;
    }
    this.changes.splice(0, count);
  }

  /** A failed sync: what was dirty is marked clean, whether or not it reached the disk. */
  loseTrackUpTo(sequence: number, prng: Prng): void {
    const kept: Change[] = [];
    for (const change of this.changes) {
      if (change.sequence > sequence) kept.push(change);
      else if (randomInt(prng, 2) === 0) applyChange(this.safe, change);
    }
    this.changes = kept;
  }

  reset(bytes: Uint8Array): void {
    for (const buffer of [this.seen, this.safe]) {
      buffer.resize(0);
      buffer.write(bytes, 0);
    }
    this.changes = [];
  }

  crash(kind: CrashKind, prng: Prng): void {
    if (kind === 'power') {
      // Often all or nothing: mixtures alone would make long un-synced runs never survive whole.
      const mood = randomInt(prng, 6);
      for (const change of this.changes) {
        if (mood === 0) break;
        if (mood === 1) applyChange(this.safe, change);
        else applyDrawn(this.safe, change, prng, mood <= 3);
      }
      this.seen.copyFrom(this.safe);
    } else {
      this.safe.copyFrom(this.seen);
    }
    this.changes = [];
  }
}

function applyChange(buffer: SimBuffer, change: Change): void {
  if ('truncateTo' in change) buffer.resize(change.truncateTo);
  else buffer.write(change.bytes, change.offset);
}

/** Lost, whole, or torn: a prefix, some of the pieces, or only the new length with zeros. */
function applyDrawn(buffer: SimBuffer, change: Change, prng: Prng, isTorn: boolean): void {
  const outcome = isTorn ? 4 + randomInt(prng, 2) : randomInt(prng, 6);
  if (outcome <= 1) return;
  if (outcome <= 3 || 'truncateTo' in change) {
    applyChange(buffer, change);
    return;
  }
  const { bytes, offset } = change;
  const pieceBytes = PIECE_BYTES[randomInt(prng, PIECE_BYTES.length)]!;
  if (outcome === 4) {
    const byByte = randomInt(prng, bytes.length + 1);
    const byPiece = Math.min(bytes.length, Math.ceil(byByte / pieceBytes) * pieceBytes);
    buffer.write(bytes.subarray(0, randomInt(prng, 2) === 0 ? byByte : byPiece), offset);
    return;
  }
  if (offset + bytes.length > buffer.size) buffer.resize(offset + bytes.length);
  let at = 0;
  while (at < bytes.length) {
    const end = Math.min(bytes.length, at + pieceBytes - ((offset + at) % pieceBytes));
    if (randomInt(prng, 2) === 0) buffer.write(bytes.subarray(at, end), offset + at);
    at = end;
  }
}

type Node = Inode | 'directory';

interface SavedDisk {
  readonly names: ReadonlyMap<string, Node>;
  readonly copies: ReadonlyMap<Inode, Uint8Array>;
}

interface NameChange {
  readonly sequence: number;
  readonly directory: string;
  readonly set: readonly (readonly [path: string, node: Node | undefined])[];
  /** A folder that goes to another name with whatever it holds there and then. */
  readonly move?: { readonly from: string; readonly to: string };
}

export function parentOf(path: string): string {
  const at = path.lastIndexOf('/');
  return at <= 0 ? '/' : path.slice(0, at);
}

export class SimDisk {
  readonly mutations: DiskMutations;
  readonly #prng: Prng;
  #names = new Map<string, Node>([['/', 'directory']]);
  #safeNames = new Map<string, Node>([['/', 'directory']]);
  #nameChanges: NameChange[] = [];
  #sequence = 0;
  /** Growing beyond it fails with ENOSPC. */
  capacityBytes = Number.MAX_SAFE_INTEGER;

  constructor(prng: Prng, mutations: DiskMutations) {
    this.#prng = prng;
    this.mutations = mutations;
  }

  /** Marks a point in the order of changes. */
  get sequence(): number {
    return this.#sequence;
  }

  nextSequence(): number {
    return ++this.#sequence;
  }

  node(path: string): Node | undefined {
    return this.#names.get(path);
  }

  paths(): readonly string[] {
    return [...this.#names.keys()];
  }

  usedBytes(): number {
    const inodes = new Set<Inode>();
    for (const node of this.#names.values()) if (node !== 'directory') inodes.add(node);
    let sum = 0;
    for (const inode of inodes) sum += inode.seen.size;
    return sum;
  }

  /** Throws ENOSPC where `growthBytes` more do not fit. */
  reserve(growthBytes: number, path: string, operation: string): void {
    if (this.capacityBytes === Number.MAX_SAFE_INTEGER || growthBytes <= 0) return;
    if (this.usedBytes() + growthBytes > this.capacityBytes) {
      throw new FileError('ENOSPC', path, operation);
    }
  }

  /** One atomic change of names in one folder. */
  changeNames(
    directory: string,
    set: readonly (readonly [path: string, node: Node | undefined])[],
  ): void {
    const change: NameChange = { sequence: this.nextSequence(), directory, set };
    applyNames(this.#names, change);
    this.#nameChanges.push(change);
  }

  /** Renames a folder inside its parent; durable with its parent. */
  moveDirectory(from: string, to: string): void {
    if (parentOf(from) !== parentOf(to)) throw new Error('a folder moves inside its parent only');
    const sequence = this.nextSequence();
    const change = { sequence, directory: parentOf(to), set: [], move: { from, to } };
    applyNames(this.#names, change);
    this.#nameChanges.push(change);
  }

  saveNames(directory: string, upToSequence: number): void {
    if (this.mutations.ignoreSyncDirectory === true) return;
    const kept: NameChange[] = [];
    for (const change of this.#nameChanges) {
      if (change.directory === directory && change.sequence <= upToSequence) {
        applyNames(this.#safeNames, change);
      } else {
        kept.push(change);
      }
    }
    this.#nameChanges = kept;
  }

  crash(kind: CrashKind): void {
    const inodes = new Set<Inode>();
    for (const names of [this.#names, this.#safeNames]) {
      for (const node of names.values()) if (node !== 'directory') inodes.add(node);
    }
    const keepRatio = kind === 'kill' ? 1 : randomInt(this.#prng, 3) / 2;
    for (const change of this.#nameChanges) {
      for (const [, node] of change.set) {
        if (node !== undefined && node !== 'directory') inodes.add(node);
      }
      if (randomUnit(this.#prng) < keepRatio) applyNames(this.#safeNames, change);
    }
    for (const inode of inodes) inode.crash(kind, this.#prng);
    for (const path of [...this.#safeNames.keys()].toSorted()) {
      if (path !== '/' && this.#safeNames.get(parentOf(path)) !== 'directory') {
        this.#safeNames.delete(path);
      }
    }
    this.#names = new Map(this.#safeNames);
    this.#nameChanges = [];
  }

  /** A copy of everything that is safe; only between two lives. */
  save(): SavedDisk {
    const copies = new Map<Inode, Uint8Array>();
    for (const node of this.#names.values())
      if (node !== 'directory') copies.set(node, node.safe.view().slice());
    return { names: new Map(this.#names), copies };
  }

  /** Back to what `save` saw; of the inodes since then nothing is left. */
  restore({ names, copies }: SavedDisk): void {
    this.#names = new Map(names);
    this.#safeNames = new Map(names);
    this.#nameChanges = [];
    for (const [inode, bytes] of copies) inode.reset(bytes);
  }

  fileSizeBytes(path: string): number {
    const node = this.node(path);
    return node === undefined || node === 'directory' ? 0 : node.seen.size;
  }

  /** Borrowed; undefined where there is no file. */
  bytesOf(path: string): Uint8Array | undefined {
    const node = this.node(path);
    return node === undefined || node === 'directory' ? undefined : node.seen.view();
  }

  /** Cuts the end of a file off, on the disk and in the page cache. */
  cut(path: string, sizeBytes: number): void {
    const node = this.node(path);
    if (node === undefined || node === 'directory') throw new Error(`no file '${path}'`);
    node.reset(node.seen.view().slice(0, sizeBytes));
  }

  /** Flips one bit of a file, on the disk and in the page cache. */
  flipBit(path: string, bitOffset: number): void {
    const node = this.node(path);
    if (node === undefined || node === 'directory') throw new Error(`no file '${path}'`);
    const at = Math.floor(bitOffset / 8);
    for (const buffer of [node.seen, node.safe]) {
      const byte = buffer.view()[at];
      if (byte !== undefined) buffer.view()[at] = byte ^ (1 << (bitOffset % 8));
    }
  }
}

function applyNames(names: Map<string, Node>, change: NameChange): void {
  for (const [path, node] of change.set) {
    if (node === undefined) names.delete(path);
    else names.set(path, node);
  }
  if (change.move === undefined) return;
  const { from, to } = change.move;
  const moved = [...names].filter(([path]) => path === from || path.startsWith(`${from}/`));
  for (const [path, node] of moved) {
    names.delete(path);
    names.set(to + path.slice(from.length), node);
  }
}
