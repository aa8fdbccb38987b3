// The text of docs/conformance.md: for every public suite how many cases it has and how many pass,
// from the suites themselves and the lists of known failures. A suite's test fails where a case
// fails that is not listed, or passes that is, so that these are the counts of the last test run.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { sharedPath } from '../support/shared.ts';
import { caseName, readCases, SUITE } from './promqltest-cases.ts';
import type { TextCase } from './textparse-cases.ts';
import { CASE_FILES, isKnownFailure, readTextCases, readVectors } from './textparse-cases.ts';
import { SUITE as TEXTPARSE, VECTORS } from './textparse-cases.ts';

const ROOT = join(import.meta.dirname, '../..');
const PARSER = sharedPath('corpora/promql-parser');
const OPENAPI = sharedPath('corpora/prom-api/openapi_3.1_golden.yaml');

/** What the page is made of; it can be made only where all of it is there. */
export const PAGE_SKIP =
  SUITE.skip || PARSER.skip || OPENAPI.skip || TEXTPARSE.skip || VECTORS.skip;

interface Row {
  readonly suite: string;
  readonly cases: number;
  readonly failing: number;
}

function knownFailing(file: string): ReadonlySet<string> {
  const lines = readFileSync(join(ROOT, file), 'utf8').split('\n');
  return new Set(lines.filter((line) => line !== '' && !line.startsWith('#')));
}

/** Rows of promqltest by file of the suite, and their sum. */
function promqltest(listed: string): Row[] {
  const failing = knownFailing(listed);
  const byFile = new Map<string, { cases: number; failing: number }>();
  for (const one of readCases()) {
    const counts = byFile.get(one.file) ?? { cases: 0, failing: 0 };
    byFile.set(one.file, counts);
    counts.cases++;
    if (failing.has(caseName(one))) counts.failing++;
  }
  const rows = Array.from(byFile, ([suite, counts]) => ({ suite: `\`${suite}\``, ...counts }));
  return [...rows, sumOf(rows)];
}

function sumOf(rows: readonly Row[]): Row {
  const sum = (of: (row: Row) => number): number => rows.reduce((total, row) => total + of(row), 0);
  return { suite: 'all', cases: sum((row) => row.cases), failing: sum((row) => row.failing) };
}

function parserRows(): Row[] {
  const lines = (file: string): string[] =>
    readFileSync(join(PARSER.path, file), 'utf8').trim().split('\n');
  const parsed = lines('parse.jsonl').map((line) => JSON.parse(line) as { table: string });
  const expressions = parsed.filter((one) => one.table === 'testExpr').length;
  return [
    { suite: 'expressions accepted or refused, with the reason', cases: expressions, failing: 0 },
    { suite: 'series notation', cases: parsed.length - expressions, failing: 0 },
    { suite: 'printed forms', cases: lines('format.jsonl').length, failing: 0 },
  ];
}

/** What must be taken and what must be refused, apart. */
function expositionRows(): Row[] {
  const counted = (suite: string, cases: readonly TextCase[]): Row[] =>
    [true, false].map((ok) => {
      const own = cases.filter((one) => one.ok === ok);
      const failing = own.filter(isKnownFailure).length;
      return { suite: `\`${suite}\`, ${ok ? 'taken' : 'refused'}`, cases: own.length, failing };
    });
  const rows = [
    ...CASE_FILES.flatMap((file) => counted(file, readTextCases(file))),
    ...counted('openmetrics-vectors', readVectors()),
  ];
  return [...rows, sumOf(rows)];
}

/**
 * Not JSON, so not asked with the others: remote read and write have tests of their own, and there
 * is no receiver of OTLP.
 */
export const ASKED_ELSEWHERE: readonly string[] = ['/read', '/write', '/otlp/v1/metrics'];

const METHODS: ReadonlySet<string> = new Set(['get', 'post', 'put', 'delete', 'options', 'head']);

/** Operations of the OpenAPI document by the first part of their path. */
function openApiRows(): Row[] {
  const { paths } = parse(readFileSync(OPENAPI.path, 'utf8')) as {
    paths: Readonly<Record<string, object>>;
  };
  const byPart = new Map<string, number>();
  for (const [path, operations] of Object.entries(paths)) {
    if (ASKED_ELSEWHERE.includes(path)) continue;
    const part = `\`/${path.split('/')[1]}\``;
    const count = Object.keys(operations).filter((method) => METHODS.has(method)).length;
    byPart.set(part, (byPart.get(part) ?? 0) + count);
  }
  const rows = Array.from(byPart, ([suite, cases]) => ({ suite, cases, failing: 0 }));
  return [...rows, sumOf(rows)];
}

function table(rows: readonly Row[]): string {
  const cells = rows.map(({ suite, cases, failing }) => [
    suite,
    String(cases),
    String(cases - failing),
  ]);
  const all = [['what', 'cases', 'pass'], ...cells];
  const widths = all[0]!.map((_, at) => Math.max(...all.map((row) => row[at]!.length)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, at) => cell.padEnd(widths[at]!)).join(' | ')} |\n`;
  const rule = line(widths.map((width) => '-'.repeat(width)));
  return line(all[0]!) + rule + all.slice(1).map(line).join('');
}

/** Content of docs/conformance.md. */
export function conformancePage(): string {
  return [
    '# Conformance\n',
    'Generated by `node tools/conformance-doc.ts`; do not edit. A case that fails stands in a list beside its test, which fails where the\n' +
      'list is not exact; a parser case that fails, or an operation that is not asked, fails its test.\n',
    '## PromQL: evaluations in process\n',
    '`test/conformance/promqltest.test.ts`, by file of the suite.\n',
    table(promqltest('test/conformance/known-failing-promqltest.txt')),
    '## PromQL: the same over HTTP, written by remote write\n',
    '`test/apptest/promqltest-http.test.ts`.\n',
    table(promqltest('test/apptest/promqltest-http-known-failing.txt').slice(-1)),
    '## PromQL: parser and printer\n',
    '`test/conformance/promql-parser.test.ts`.\n',
    table(parserRows()),
    '## Prometheus text and OpenMetrics: pushes taken and refused\n',
    '`test/conformance/textparse.test.ts`, the same over HTTP in `test/apptest/exposition.test.ts`; `textparse-cases.ts` says why four differ.\n',
    table(expositionRows()),
    '## The HTTP API: operations of the OpenAPI document\n',
    '`test/apptest/prometheus-openapi.test.ts` asks each well and badly and checks the answers against the document.\n' +
      `Not counted: ${ASKED_ELSEWHERE.map((path) => `\`${path}\``).join(', ')}.\n`,
    table(openApiRows()),
  ].join('\n');
}
