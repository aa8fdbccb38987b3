// The layer table: which rooms exist under src/, in what order, and what each may use from outside.
// A file imports from lower layers and from its own room; rooms of one layer do not know each
// other. The list is closed: a new room, package or built-in is a line here, and a reason in
// ARCHITECTURE.md.

export interface Room {
  readonly name: string;
  readonly layer: number;
  /** npm packages its product files may import. */
  readonly packages: readonly string[];
  /** Built-in modules its product files may import beside the pure ones, or 'all'. */
  readonly builtins: readonly string[] | 'all';
}

function room(
  layer: number,
  name: string,
  uses: { packages?: readonly string[]; builtins?: readonly string[] | 'all' } = {},
): Room {
  return { name, layer, packages: uses.packages ?? [], builtins: uses.builtins ?? [] };
}

export const ROOMS: readonly Room[] = [
  room(0, 'stdx', { builtins: ['node:worker_threads'] }),
  room(1, 'telemetry', { builtins: ['node:diagnostics_channel'] }),
  // Bytes to values and back. Hashes, inflating and the regular expression engine are pure.
  room(1, 'codec', {
    packages: ['re2js'],
    builtins: ['node:crypto', 'node:zlib'],
  }),
  room(2, 'model'),
  room(3, 'formats'),
  // Rules come as YAML, as Prometheus writes them.
  room(3, 'relabel', { packages: ['yaml'] }),
  room(3, 'windows'),
  room(3, 'log'),
  room(3, 'blobs'),
  room(3, 'catalog', { builtins: ['node:sqlite', 'node:worker_threads'] }),
  room(4, 'promql'),
  room(4, 'tsdb'),
  // SHA-256 and the comparison in constant time; secrets are drawn in app/.
  room(4, 'tenancy', { builtins: ['node:crypto'] }),
  room(5, 'ingest'),
  room(5, 'query'),
  // Scrapes over HTTP; facts of the host come through Files.
  // Its configuration is Prometheus', in YAML.
  room(5, 'agent', { packages: ['yaml'], builtins: ['node:http', 'node:https', 'node:zlib'] }),
  room(6, 'frontends', {
    builtins: [
      'node:dgram',
      'node:events',
      'node:http',
      'node:https',
      'node:net',
      'node:stream',
      'node:stream/promises',
      'node:tls',
      'node:zlib',
    ],
  }),
  room(7, 'app', { packages: ['yaml'], builtins: 'all' }),
];

/** The room whose files may touch clock, randomness, environment and disk; it hands them down. */
export const OUTERMOST_ROOM = 'app';

/** Built-in modules that touch nothing outside the process; any room may use them. */
export const PURE_BUILTINS: readonly string[] = ['node:buffer', 'node:util'];

/** Packages that tests of any room may import besides the room's own. */
export const TEST_PACKAGES: readonly string[] = ['fast-check'];

export function findRoom(name: string): Room | undefined {
  return ROOMS.find((candidate) => candidate.name === name);
}
