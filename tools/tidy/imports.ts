// All the ways one file names another: import, export from, import(), and the URL a worker starts
// at.
import { posix } from 'node:path';
import { init, parse } from 'es-module-lexer';
import type { SourceFile } from './finding.ts';
import { lineAt } from './finding.ts';
import { scanFile } from './scan.ts';

export interface ImportEdge {
  readonly kind: 'static' | 'dynamic' | 'worker';
  /** Undefined where a dynamic import's argument is computed. */
  readonly specifier: string | undefined;
  /** The whole statement, comments included; empty for workers. */
  readonly statement: string;
  readonly line: number;
}

await init();

const WORKER_URL = /\bnew\s+URL\(\s*(['"`])(\.{1,2}\/[^'"`]*\.ts)\1\s*,\s*import\.meta\.url\s*\)/g;
/** A type written `import('./x.ts').Y`: erased at run time, but it names the file all the same. */
const CALL_OR_TYPE = /\bimport\s*\(\s*(['"])([^'"]+)\1/g;
const FROM = /(?:\bfrom|^import)\s+(['"])([^'"]+)\1/gm;

/** Throws what the lexer throws on a file it cannot read. */
export function findImports(file: SourceFile): ImportEdge[] {
  const { uncommented } = scanFile(file);
  // The lexer does not read JSX.
  if (file.path.endsWith('.tsx'))
    return [
      ...matchEdges(uncommented, FROM, 'static'),
      ...matchEdges(uncommented, CALL_OR_TYPE, 'dynamic'),
    ];
  const edges = lexedEdges(file);
  const dynamic = new Set(
    edges.filter((edge) => edge.kind === 'dynamic').map((edge) => `${edge.line} ${edge.specifier}`),
  );
  const types = matchEdges(uncommented, CALL_OR_TYPE, 'static').filter(
    (edge) => !dynamic.has(`${edge.line} ${edge.specifier}`),
  );
  return [...edges, ...types, ...matchEdges(uncommented, WORKER_URL, 'worker')];
}

function lexedEdges(file: SourceFile): ImportEdge[] {
  const { text } = file;
  const edges: ImportEdge[] = [];
  for (const entry of parse(text, file.path)[0]) {
    if (entry.type === 'import-meta') continue;
    const isGlob = entry.type === 'dynamic' && entry.glob;
    edges.push({
      kind: entry.type === 'dynamic' ? 'dynamic' : 'static',
      specifier: isGlob ? undefined : entry.specifier,
      statement: text.slice(entry.importStart, entry.importEnd),
      line: lineAt(text, entry.importStart),
    });
  }
  return edges;
}

function matchEdges(text: string, pattern: RegExp, kind: ImportEdge['kind']): ImportEdge[] {
  return [...text.matchAll(pattern)].map((match) => ({
    kind,
    specifier: match[2],
    statement: '',
    line: lineAt(text, match.index),
  }));
}

export function isRelative(specifier: string): boolean {
  return specifier.startsWith('./') || specifier.startsWith('../') || /^\.{1,2}$/.test(specifier);
}

/** The path, from the repository's root, that a relative specifier in `from` names. */
export function resolveImport(from: string, specifier: string): string {
  return posix.join(posix.dirname(from), specifier);
}

/** `@scope/name/deep` → `@scope/name`; `name/deep` → `name`. */
export function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
