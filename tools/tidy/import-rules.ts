// Rules on who may import whom: the layer table, allowed packages and built-ins, specifiers,
// cycles. Pure: they take files and edges and give findings.
import { isBuiltin } from 'node:module';
import type { Finding, SourceFile } from './finding.ts';
import { isTest, roomOf } from './finding.ts';
import type { ImportEdge } from './imports.ts';
import { isRelative, packageName, resolveImport } from './imports.ts';
import type { Room } from './layers.ts';
import { OUTERMOST_ROOM, PURE_BUILTINS, TEST_PACKAGES, findRoom } from './layers.ts';

/** Every file under src/ is in a room of the table. */
export function checkRoom(path: string): Finding[] {
  const name = roomOf(path);
  if (name === undefined || findRoom(name) !== undefined) return [];
  const message =
    name === '' ? 'no file stands directly under src/' : `src/${name}/ is not in the layer table`;
  return [{ file: path, line: 1, rule: 'room', message }];
}

/** The direction of every import between files. */
export function checkLayers(file: SourceFile, edges: readonly ImportEdge[]): Finding[] {
  const findings: Finding[] = [];
  for (const edge of edges) {
    const message = layerComplaint(file.path, edge);
    if (message !== undefined)
      findings.push({ file: file.path, line: edge.line, rule: 'layers', message });
  }
  return findings;
}

function layerComplaint(path: string, edge: ImportEdge): string | undefined {
  const fromName = roomOf(path);
  if (edge.specifier === undefined)
    return fromName === undefined ? undefined : 'the argument of import() must be a literal';
  if (!isRelative(edge.specifier)) return undefined;
  const target = resolveImport(path, edge.specifier);
  const toName = roomOf(target);
  if (fromName === undefined) {
    const isConsole = path.startsWith('web/') && !path.startsWith('web/e2e/');
    return isConsole && toName !== undefined ? 'the console knows only the HTTP API' : undefined;
  }
  if (!isTest(path) && isTest(target)) return `product code may not import the test file ${target}`;
  if (toName === undefined) {
    const isAllowed = fromName === OUTERMOST_ROOM || (isTest(path) && target.startsWith('test/'));
    return isAllowed ? undefined : `${target} is outside src/`;
  }
  if (fromName === toName) return undefined;
  const from = findRoom(fromName);
  const to = findRoom(toName);
  if (from === undefined || to === undefined) return undefined;
  if (to.layer < from.layer) return undefined;
  const relation = to.layer === from.layer ? 'on the same layer as' : 'above';
  return `${toName} (layer ${to.layer}) is ${relation} ${fromName} (layer ${from.layer})`;
}

/** Packages and built-in modules a room may use; random numbers may not come in by name either. */
export function checkPackages(file: SourceFile, edges: readonly ImportEdge[]): Finding[] {
  const room = findRoom(roomOf(file.path) ?? '');
  const findings: Finding[] = [];
  for (const edge of edges) {
    if (edge.specifier === undefined || isRelative(edge.specifier)) continue;
    const message = packageComplaint(file.path, room, edge.specifier, edge.statement);
    if (message !== undefined)
      findings.push({ file: file.path, line: edge.line, rule: 'packages', message });
  }
  return findings;
}

function packageComplaint(
  path: string,
  room: Room | undefined,
  specifier: string,
  statement: string,
): string | undefined {
  if (isBuiltin(specifier) && !specifier.startsWith('node:')) return `write node:${specifier}`;
  if (room === undefined) return undefined;
  const isTestFile = isTest(path);
  if (isBuiltin(specifier)) {
    if (isTestFile || room.builtins === 'all') return undefined;
    if (PURE_BUILTINS.includes(specifier)) return undefined;
    if (!room.builtins.includes(specifier)) return `${room.name} may not use ${specifier}`;
    if (specifier === 'node:crypto' && /\b(random\w+|webcrypto|getRandomValues)\b/.test(statement))
      return 'random numbers come from a prng given by app/';
    return undefined;
  }
  const name = packageName(specifier);
  const isAllowed = room.packages.includes(name) || (isTestFile && TEST_PACKAGES.includes(name));
  return isAllowed ? undefined : `${room.name} may not use the package ${name}`;
}

/** Node does not turn `.js` into `.ts`, though the compiler accepts it. */
export function checkSpecifiers(
  file: SourceFile,
  edges: readonly ImportEdge[],
  exists: (path: string) => boolean,
): Finding[] {
  const findings: Finding[] = [];
  for (const { specifier, line } of edges) {
    if (specifier === undefined || !isRelative(specifier)) continue;
    const target = resolveImport(file.path, specifier);
    const typed = target.replace(/\.(m?)js(x?)$/, '.$1ts$2');
    if (typed === target || exists(target) || !exists(typed)) continue;
    const message = `${specifier} names a TypeScript file: write its own suffix`;
    findings.push({ file: file.path, line, rule: 'specifier', message });
  }
  return findings;
}

/** Groups of files that import each other, types included. A worker's start URL is no import. */
export function checkCycles(graph: ReadonlyMap<string, readonly ImportEdge[]>): Finding[] {
  const targets = new Map<string, string[]>();
  for (const [path, edges] of graph) {
    const named = edges.filter(
      (edge) => edge.kind !== 'worker' && isRelative(edge.specifier ?? ''),
    );
    const resolved = named.map((edge) => resolveImport(path, edge.specifier ?? ''));
    targets.set(
      path,
      resolved.filter((target) => graph.has(target)),
    );
  }
  return findCycles(targets).map((cycle) => ({
    file: cycle[0] ?? '',
    line: 1,
    rule: 'cycle',
    message: `these files import each other: ${cycle.join(', ')}`,
  }));
}

/** Each strongly connected group of more than nothing, found from its first file by name. */
function findCycles(targets: ReadonlyMap<string, readonly string[]>): string[][] {
  const forward = new Map([...targets].map(([path, to]) => [path, new Set(to)]));
  const cycles: string[][] = [];
  const seen = new Set<string>();
  for (const path of [...forward.keys()].toSorted()) {
    if (seen.has(path)) continue;
    const reached = reachable(forward, path);
    if (!reached.has(path)) continue;
    const members = [...reached].filter((other) => reachable(forward, other).has(path)).toSorted();
    for (const member of members) seen.add(member);
    cycles.push(members);
  }
  return cycles;
}

/** Files that `start` imports, directly or not; itself only when it is on a cycle. */
function reachable(forward: ReadonlyMap<string, ReadonlySet<string>>, start: string): Set<string> {
  const reached = new Set<string>();
  const waiting = [start];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop())
    for (const target of forward.get(path) ?? []) {
      if (reached.has(target)) continue;
      reached.add(target);
      waiting.push(target);
    }
  return reached;
}
