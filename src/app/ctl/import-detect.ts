// Which format a file has: by its name, else by its first line that says something. Where two
// formats are possible, neither is guessed.
import { decodeUtf8Lenient } from '../../codec/utf8.ts';
import type { ImportFormat } from './import-check.ts';

const ENDINGS: readonly (readonly [RegExp, ImportFormat])[] = [
  [/\.(jsonl|ndjson)$/i, 'jsonl'],
  [/\.csv$/i, 'csv'],
  [/\.(lp|influx|line)$/i, 'influx'],
  [/\.(prom|om|openmetrics)$/i, 'prometheus'],
  [/\.(gts|warp10)$/i, 'warp10'],
  [/\.(graphite|carbon)$/i, 'graphite'],
  [/\.(tsdb|opentsdb)$/i, 'opentsdb'],
];

const NUMBER = String.raw`[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?[Ii]nf|NaN`;
const WARP10 = new RegExp(String.raw`^(?:T?[+-]?\d+)?/[^ /]*/[^ ]* [^ ]+\{`);
/** With braces nothing else is possible; without them seconds may be Graphite's. */
const EXPOSITION = new RegExp(
  String.raw`^(?:[a-zA-Z_:][\w:]*)?\{.*\}\s+(?:${NUMBER})(?:\s+-?\d+(?:\.\d+)?)?$`,
);
const BARE_SAMPLE = new RegExp(
  String.raw`^[a-zA-Z_:][\w:]*\s+(?:${NUMBER})(?:\s+-?\d{11,}|\s+-?\d+\.\d+)?$`,
);
const INFLUX =
  /^(?:\\.|[^ ,{\\])+(?:,(?:\\.|[^ =,\\])+=(?:\\.|[^ ,\\])+)* +(?:\\.|[^ =\\])+=(?:"|[^ "])/;
const GRAPHITE = new RegExp(String.raw`^[^ \t{}]+[ \t]+(?:${NUMBER})[ \t]+-?\d{1,10}(?:\.\d+)?$`);

function jsonFormat(text: string): ImportFormat | undefined {
  if (/"metric"\s*:\s*\{/.test(text)) return 'jsonl';
  return /"timestamp"\s*:/.test(text) && /"metric"\s*:\s*"/.test(text) ? 'opentsdb' : undefined;
}

/** By the first bytes of a file. */
function byContent(head: string): ImportFormat | undefined {
  if (/^\s*[[{]\s*(?:\{\s*)?"[^"]*"\s*:/.test(head)) return jsonFormat(head);
  if (/^# (?:TYPE|HELP|UNIT) /m.test(head)) return 'prometheus';
  const line = head.split('\n').find((text) => text.trim() !== '' && !text.startsWith('#'));
  const text = line?.replace(/\r$/, '') ?? '';
  if (/^put /i.test(text)) return 'opentsdb';
  if (WARP10.test(text)) return 'warp10';
  const fits: ImportFormat[] = [];
  if (EXPOSITION.test(text) || BARE_SAMPLE.test(text)) fits.push('prometheus');
  if (INFLUX.test(text)) fits.push('influx');
  if (GRAPHITE.test(text)) fits.push('graphite');
  return fits.length === 1 ? fits[0] : undefined;
}

/** undefined where it cannot be told. */
export function detectFormat(name: string, head: Uint8Array): ImportFormat | undefined {
  const bare = name.replace(/\.(gz|zst)$/i, '');
  for (const [ending, format] of ENDINGS) if (ending.test(bare)) return format;
  return byContent(decodeUtf8Lenient(head, 0, head.length));
}
