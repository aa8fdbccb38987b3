// Cases of the public suites for Prometheus text and OpenMetrics, and those that are answered
// otherwise on purpose, with the reason.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sharedPath } from '../support/shared.ts';

export const SUITE = sharedPath('corpora/prom-textparse');
export const VECTORS = sharedPath('corpora/openmetrics-vectors');
export const OPENMETRICS = 'openmetrics-1.0';
export const PROMETHEUS_TEXT = 'prometheus-text-0.0.4';

export interface TextCase {
  /** Absent: Prometheus text. */
  readonly format?: string;
  /** Text, or bytes that are no text: `{"_base64": …}`. */
  readonly input: string | Readonly<Record<string, string>>;
  readonly ok: boolean;
}

export const CASE_FILES = ['errors.jsonl', 'client_python.jsonl', 'expfmt.jsonl'] as const;

/** Inputs whose verdict here is the other one, and why. */
const KNOWN_FAILURES: ReadonlyMap<string, string> = new Map([
  ['\nbla 3.14\nblubber 42', 'a missing last line break is fine, as for the scraper'],
  [
    'metric_name{"foo"="bar", "dotted.label"="bla"} 3.14\n',
    'quoted label names are valid; the case runs with the legacy name rules',
  ],
  ['# EOF', 'a page without metrics; the error of the case is the end of the page'],
  ['# EOF\n', 'as above'],
]);

export function isKnownFailure({ input }: TextCase): boolean {
  return typeof input === 'string' && KNOWN_FAILURES.has(input);
}

function lines(file: string): unknown[] {
  return readFileSync(join(SUITE.path, file), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
}

export function readTextCases(file: (typeof CASE_FILES)[number]): readonly TextCase[] {
  return lines(file) as TextCase[];
}

/** Whole pages with the entries they must give. */
export function readPages(): readonly TextCase[] {
  return lines('pages.jsonl') as TextCase[];
}

export function readVectors(): readonly TextCase[] {
  const folder = join(VECTORS.path, 'parsers');
  return readdirSync(folder).map((name) => {
    const about = JSON.parse(readFileSync(join(folder, name, 'test.json'), 'utf8')) as {
      readonly file: string;
      readonly shouldParse: boolean;
    };
    const bytes = readFileSync(join(folder, name, about.file));
    return {
      format: OPENMETRICS,
      input: { _base64: bytes.toString('base64') },
      ok: about.shouldParse,
    };
  });
}
