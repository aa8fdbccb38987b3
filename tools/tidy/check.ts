// Reads the repository once and runs every rule on it.
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Finding, SourceFile } from './finding.ts';
import { isScript, isTypeScript } from './finding.ts';
import {
  checkCycles,
  checkLayers,
  checkPackages,
  checkRoom,
  checkSpecifiers,
} from './import-rules.ts';
import type { ImportEdge } from './imports.ts';
import { findImports } from './imports.ts';
import * as repo from './repo-rules.ts';
import { checkBans, checkDialect, checkHeader, checkTests, checkWidth } from './source-rules.ts';

const LONG_FILES = 'tools/tidy/long-files.txt';
const DEPENDENCY_PAGE = 'docs/decisions/dependencies.md';
const DECISION_LIST = 'docs/decisions/README.md';
const LOCKFILE = 'package-lock.json';
/** The most that a listing of all paths may take. */
const LISTING_BYTES_MAX = 64 * 1024 * 1024;
/** A byte no text file holds. */
const NUL = '\0';

/** All findings of the repository at `root`, by file and line. */
export function checkRepository(root: string): Finding[] {
  return checkFiles(readTracked(root));
}

/** The same for files given by hand. */
export function checkFiles(files: readonly SourceFile[]): Finding[] {
  const texts = new Map(files.map((file) => [file.path, file]));
  const folders = new Set(files.flatMap((file) => parents(file.path)));
  const exists = (path: string): boolean => texts.has(path) || folders.has(path);
  const read = (path: string): string | undefined => texts.get(path)?.text;
  const get = (path: string): SourceFile => texts.get(path) ?? { path, text: '' };
  const manifests = files.filter((file) => /(^|\/)package\.json$/.test(file.path));
  const findings = [
    ...repo.checkNames([...texts.keys()]),
    ...repo.checkDecisionList([...texts.keys()], get(DECISION_LIST)),
    ...repo.checkLengths(files, get(LONG_FILES)),
    ...manifests.flatMap(repo.checkPins),
    ...repo.checkLockfile(get(LOCKFILE)),
    ...repo.checkDependencyPage(manifests, get(DEPENDENCY_PAGE)),
    ...files.flatMap(repo.checkWords),
    ...files
      .filter((file) => file.path.endsWith('.md'))
      .flatMap((page) => repo.checkLinks(page, { exists, read })),
    ...files.filter((file) => isScript(file.path)).flatMap(checkScript),
    ...checkImports(files, exists),
  ];
  return findings.toSorted(
    (a, b) => a.file.localeCompare(b.file) || a.line - b.line || a.rule.localeCompare(b.rule),
  );
}

function checkScript(file: SourceFile): Finding[] {
  if (!isTypeScript(file.path)) return [];
  const rules = [checkBans, checkDialect, checkTests, checkHeader, checkWidth];
  return rules.flatMap((rule) => rule(file));
}

function checkImports(files: readonly SourceFile[], exists: (path: string) => boolean): Finding[] {
  const findings: Finding[] = [];
  const graph = new Map<string, readonly ImportEdge[]>();
  for (const file of files) {
    if (!isTypeScript(file.path)) continue;
    let edges: readonly ImportEdge[];
    try {
      edges = findImports(file);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      findings.push({ file: file.path, line: 1, rule: 'imports', message });
      continue;
    }
    graph.set(file.path, edges);
    findings.push(
      ...checkRoom(file.path),
      ...checkLayers(file, edges),
      ...checkPackages(file, edges),
      ...checkSpecifiers(file, edges, exists),
    );
  }
  return [...findings, ...checkCycles(graph)];
}

function parents(path: string): string[] {
  const folders: string[] = [];
  for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) folders.push(folder);
  return folders;
}

/** Text files as a commit would hold them. */
function readTracked(root: string): SourceFile[] {
  const files: SourceFile[] = [];
  for (const path of existsSync(join(root, '.git')) ? listByGit(root) : listByWalk(root)) {
    const stat = statSync(join(root, path), { throwIfNoEntry: false });
    // Deleted but not yet committed, or a link to somewhere else.
    if (stat?.isFile() !== true) continue;
    const text = readFileSync(join(root, path), 'utf8');
    files.push({ path, text: text.includes(NUL) ? '' : text });
  }
  return files;
}

/** Tracked files, and new ones that are not ignored. Reading needs no trust in who owns them. */
function listByGit(root: string): Set<string> {
  const args = ['-c', 'safe.directory=*', 'ls-files', '-z', '--cached', '--others'];
  const options = { cwd: root, encoding: 'utf8', maxBuffer: LISTING_BYTES_MAX } as const;
  const listed = execFileSync('git', [...args, '--exclude-standard'], options);
  return new Set(listed.split(NUL).filter((path) => path !== ''));
}

/** An unpacked archive has no git: everything but what is made on the spot. */
function listByWalk(root: string): string[] {
  return globSync('**/*', {
    cwd: root,
    exclude: ['**/node_modules', 'dist', 'orrery-data'],
  });
}
