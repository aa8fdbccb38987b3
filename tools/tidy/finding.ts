// What a rule reports, and the places of the repository that rules tell apart.

export interface Finding {
  /** From the repository's root, with forward slashes. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly rule: string;
  readonly message: string;
}

/** One tracked text file. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** The line, from 1, that holds `offset`. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) line++;
  return line;
}

export function isScript(path: string): boolean {
  return /\.(ts|tsx|mjs|js)$/.test(path) && !isTestData(path);
}

/** Kernels are AssemblyScript: another language in the same suffix. */
export function isTypeScript(path: string): boolean {
  return /\.tsx?$/.test(path) && !isTestData(path) && !path.startsWith('kernels/');
}

export function isTestData(path: string): boolean {
  return path.includes('/testdata/') || path.startsWith('test/corpus/');
}

/** Tests and the suites shared by several of them; exempt from the bans on clocks and the like. */
export function isTest(path: string): boolean {
  return /[./](test|contract|testing)\.tsx?$/.test(path) || path.startsWith('test/');
}

/** The room of a file under src/; undefined elsewhere, '' directly under src/. */
export function roomOf(path: string): string | undefined {
  const parts = path.split('/');
  if (parts[0] !== 'src') return undefined;
  return parts.length > 2 ? parts[1] : '';
}
