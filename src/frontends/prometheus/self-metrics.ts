// `/api/v1/status/self_metrics`: the server's own metrics as the JSON form of the protobuf message
// io.prometheus.client.MetricFamily. Read from the page that `/metrics` prints, whose shape is our
// own: one line a sample, families in one piece. Source: Prometheus web/api/v1/api.go.
import { compileRegex } from '../../codec/regex.ts';
import type { Regex } from '../../codec/regex.ts';
import { AppError } from '../../model/errors.ts';
import { errorMessage } from '../../stdx/assert.ts';
import type { Exchange } from '../http/exchange.ts';
import { success } from './status.ts';

type LabelPair = { readonly name: string; readonly value: string };

interface Sample {
  readonly name: string;
  readonly labels: readonly LabelPair[];
  readonly value: number;
}

const UNESCAPED: Readonly<Record<string, string>> = { '\\n': '\n', '\\"': '"', '\\\\': '\\' };

function unescape(text: string): string {
  return text.replaceAll(/\\[n"\\]/g, (escape) => UNESCAPED[escape]!);
}

function numberOf(text: string): number {
  if (text === '+Inf') return Infinity;
  return text === '-Inf' ? -Infinity : Number(text);
}

function sampleOf(line: string): Sample {
  const [, name, inner, value] = /^([^{ ]+)(?:\{(.*)\})? (\S+)$/.exec(line)!;
  const labels = Array.from((inner ?? '').matchAll(/([^=,]+)="((?:[^"\\]|\\.)*)"/g), (match) => ({
    name: match[1]!,
    value: unescape(match[2]!),
  }));
  return { name: name!, labels, value: numberOf(value!) };
}

/** A double as ProtoJSON has it. */
function doubleJson(value: number): number | string {
  if (Number.isFinite(value)) return value;
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? 'Infinity' : '-Infinity';
}

function histograms(name: string, samples: readonly Sample[]): readonly object[] {
  const byLabels = new Map<string, { label: readonly LabelPair[]; parts: Sample[] }>();
  for (const sample of samples) {
    const label = sample.labels.filter((pair) => pair.name !== 'le');
    const key = JSON.stringify(label);
    let entry = byLabels.get(key);
    if (entry === undefined) byLabels.set(key, (entry = { label, parts: [] }));
    entry.parts.push(sample);
  }
  return Array.from(byLabels.values(), ({ label, parts }) => {
    const one = (suffix: string): number => parts.find((p) => p.name === name + suffix)!.value;
    const bucket = parts
      .filter((part) => part.name === `${name}_bucket`)
      .map(({ labels, value }) => ({
        cumulativeCount: String(value),
        upperBound: doubleJson(numberOf(labels.find((pair) => pair.name === 'le')!.value)),
      }));
    const histogram = {
      sampleCount: String(one('_count')),
      sampleSum: doubleJson(one('_sum')),
      bucket,
    };
    return label.length === 0 ? { histogram } : { label, histogram };
  });
}

/** The families of a page, in its order. */
export function familiesJson(page: string, filter: Regex | undefined): readonly object[] {
  const out: object[] = [];
  for (const section of page.split(/^# HELP /m).slice(1)) {
    const [first, second, ...lines] = section.trimEnd().split('\n');
    const cut = first!.indexOf(' ');
    const name = first!.slice(0, cut);
    if (filter?.test(name) === false) continue;
    const type = second!.slice(second!.lastIndexOf(' ') + 1);
    const samples = lines.map(sampleOf);
    const metric =
      type === 'histogram'
        ? histograms(name, samples)
        : samples.map(({ labels, value }) => ({
            ...(labels.length === 0 ? {} : { label: labels }),
            [type]: { value: doubleJson(value) },
          }));
    out.push({ name, help: unescape(first!.slice(cut + 1)), type: type.toUpperCase(), metric });
  }
  return out;
}

export async function selfMetrics(
  metricsPage: () => Promise<string>,
  exchange: Exchange,
): Promise<void> {
  const pattern = exchange.search.get('metric_name_pattern') ?? '';
  let filter: Regex | undefined;
  try {
    filter = pattern === '' ? undefined : compileRegex(pattern);
  } catch (error) {
    const message = `invalid metric_name_pattern: ${errorMessage(error)}`;
    throw new AppError('invalid', 'bad-matcher', message, { cause: error });
  }
  success(exchange, familiesJson(await metricsPage(), filter));
}
