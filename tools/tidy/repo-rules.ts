// Rules on the repository as a whole: file sizes, pins, the lockfile, words that must not be there,
// links between pages, the page of dependencies. Pure: texts in, findings out.
import { posix } from 'node:path';
import type { Finding, SourceFile } from './finding.ts';
import { isScript, isTestData, lineAt } from './finding.ts';

const FILE_LINES_ALARM = 600;

/** A barrel hides which file is meant and draws in all of them. */
export function checkNames(paths: readonly string[]): Finding[] {
  return paths
    .filter((path) => isScript(path) && /(^|\/)index\.(ts|tsx|js|mjs)$/.test(path))
    .map((file) => finding(file, 1, 'name', 'no index files: name the file after what it holds'));
}

/** `list` holds a line `path: reason` per file that may be longer; it can only shrink. */
export function checkLengths(files: readonly SourceFile[], list: SourceFile): Finding[] {
  const reasons = new Map<string, number>();
  const findings: Finding[] = [];
  for (const [index, line] of list.text.split('\n').entries()) {
    if (line === '' || line.startsWith('#')) continue;
    const match = /^(\S+): \S.*$/.exec(line);
    if (match?.[1] === undefined)
      findings.push(finding(list.path, index + 1, 'length', 'a line is `path: reason`'));
    else reasons.set(match[1], index + 1);
  }
  const long = new Set<string>();
  for (const file of files) {
    if (!isScript(file.path)) continue;
    const lines = file.text.split('\n').length - 1;
    if (lines <= FILE_LINES_ALARM) continue;
    long.add(file.path);
    if (reasons.has(file.path)) continue;
    const message = `${lines} lines: split it, or say in ${list.path} why it is one thing`;
    findings.push(finding(file.path, FILE_LINES_ALARM + 1, 'length', message));
  }
  for (const [path, line] of reasons)
    if (!long.has(path))
      findings.push(finding(list.path, line, 'length', `${path} is not that long: take it out`));
  return findings;
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly overrides?: Readonly<Record<string, string>>;
}

function pins(manifest: SourceFile): [string, string][] {
  const parsed = JSON.parse(manifest.text) as Manifest;
  const { dependencies, devDependencies, optionalDependencies, overrides } = parsed;
  const groups = [dependencies, devDependencies, optionalDependencies, overrides];
  return groups.flatMap((group) => Object.entries(group ?? {}));
}

/** One version, not a range: what was tested is what runs. */
export function checkPins(manifest: SourceFile): Finding[] {
  return pins(manifest)
    .filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
    .map(([name, version]) => {
      const line = lineAt(manifest.text, manifest.text.indexOf(`"${name}"`));
      return finding(manifest.path, line, 'pin', `${name} is ${version}: pin one exact version`);
    });
}

/** Where a package was fetched from is the matter of whoever installs. */
export function checkLockfile(lock: SourceFile): Finding[] {
  const findings: Finding[] = [];
  for (const match of lock.text.matchAll(/"resolved": "[a-z+]+:\/\//g)) {
    const line = lineAt(lock.text, match.index);
    findings.push(finding(lock.path, line, 'lockfile', 'an address of a registry'));
  }
  return findings;
}

/** A row per dependency, `| `name` | version | why … |`, and no row for what is gone. */
export function checkDependencyPage(manifests: readonly SourceFile[], page: SourceFile): Finding[] {
  const rows = new Map<string, { version: string; line: number }>();
  for (const match of page.text.matchAll(/^\| *`([^`]+)` *\| *([^| ]+) *\|(.+)\|$/gm)) {
    const [, name = '', version = ''] = match;
    rows.set(name, { version, line: lineAt(page.text, match.index) });
  }
  const findings: Finding[] = [];
  const used = new Set<string>();
  for (const [name, version] of manifests.flatMap(pins)) {
    used.add(name);
    const row = rows.get(name);
    if (row === undefined)
      findings.push(finding(page.path, 1, 'dependencies', `no row for ${name} ${version}`));
    else if (row.version !== version)
      findings.push(
        finding(page.path, row.line, 'dependencies', `${name} is ${version}, not ${row.version}`),
      );
  }
  for (const [name, { line }] of rows)
    if (!used.has(name))
      findings.push(finding(page.path, line, 'dependencies', `${name} is no dependency`));
  return findings;
}

const DECISIONS = 'docs/decisions/';

/** A decision that the list does not name is not found by those who look for it. */
export function checkDecisionList(paths: readonly string[], list: SourceFile): Finding[] {
  return paths
    .filter((path) => path.startsWith(DECISIONS) && path.endsWith('.md') && path !== list.path)
    .filter((path) => !list.text.includes(`](${path.slice(DECISIONS.length)})`))
    .map((path) => finding(path, 1, 'decision', `${list.path} does not name it`));
}

/** Written so that this file is not its own first finding. */
const UNFINISHED = /\b((?:TO)DO|(?:FIX)ME|X{3})\b/g;
const MACHINE_PATH = /(?<![\w.$}*-])\/(work|home|root)\//g;
const REGISTRY = /\bregistry\.[\w-]+\.(org|com|net|io|dev|local|internal)\b|_auth(?:Token)/g;

/** Also inside a table that was formatted since. */
const MERGE_MARKER = /<{7} |(?:> ?){7}[^>\s]/g;

const WORDS: readonly { readonly pattern: RegExp; readonly message: string }[] = [
  { pattern: UNFINISHED, message: 'finish it, or write down elsewhere that it is wanted' },
  { pattern: MACHINE_PATH, message: 'a path of one machine' },
  { pattern: REGISTRY, message: 'the address or key of a package registry' },
  { pattern: MERGE_MARKER, message: 'a merge that was not resolved' },
];

/** Words that no tracked text may hold. Data of tests is what others wrote. */
export function checkWords(file: SourceFile): Finding[] {
  if (isTestData(file.path) || file.path === 'package-lock.json') return [];
  const findings: Finding[] = [];
  for (const { pattern, message } of WORDS)
    for (const match of file.text.matchAll(pattern))
      findings.push(finding(file.path, lineAt(file.text, match.index), 'word', message));
  return findings;
}

/** Relative links and anchors of a Markdown page; code is not looked at. */
export function checkLinks(
  page: SourceFile,
  repository: { exists: (path: string) => boolean; read: (path: string) => string | undefined },
): Finding[] {
  const findings: Finding[] = [];
  const text = withoutCode(page.text);
  for (const match of text.matchAll(/\]\(\s*<?([^)\s>]+)>?[^)]*\)/g)) {
    const link = match[1] ?? '';
    if (/^[a-z][a-z0-9+.-]*:/i.test(link)) continue;
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? page.path : posix.join(posix.dirname(page.path), path);
    const line = lineAt(text, match.index);
    if (!repository.exists(target.replace(/\/$/, '')))
      findings.push(finding(page.path, line, 'link', `${link} leads nowhere`));
    else if (anchor !== undefined && target.endsWith('.md')) {
      const targetText = target === page.path ? page.text : (repository.read(target) ?? '');
      if (!anchors(targetText).has(anchor))
        findings.push(finding(page.path, line, 'link', `${link} names no heading`));
    }
  }
  return findings;
}

/** Heading addresses as the usual forges make them. */
function anchors(markdown: string): Set<string> {
  const slugs = new Set<string>();
  for (const [, title = ''] of markdown.matchAll(/^#{1,6} +(.+)$/gm)) {
    const plain = title.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '');
    slugs.add(plain.trim().replace(/\s/g, '-'));
  }
  return slugs;
}

/** Fenced blocks and code spans blanked, lines kept. */
function withoutCode(markdown: string): string {
  return markdown
    .replace(/^(```|~~~)[\s\S]*?^\1/gm, (block) => block.replace(/[^\n]/g, ' '))
    .replace(/`[^`\n]*`/g, (span) => ' '.repeat(span.length));
}

function finding(file: string, line: number, rule: string, message: string): Finding {
  return { file, line, rule, message };
}
