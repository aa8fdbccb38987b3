// Writes a page of Prometheus text: families with HELP and TYPE, samples below them.
import { escapeHelp, escapeLabelValue, formatFloat } from '../telemetry/registry.ts';

export type SampleType = 'counter' | 'gauge' | 'untyped';

export class Page {
  readonly #lines: string[] = [];

  /** Starts a family; its samples must follow before the next one starts. */
  family(name: string, type: SampleType, help: string): void {
    this.#lines.push(`# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`);
  }

  /** `labels` is flat name, value. */
  sample(name: string, labels: readonly string[], value: number): void {
    let text = '';
    for (let i = 0; i < labels.length; i += 2)
      text += `${i === 0 ? '{' : ','}${labels[i]!}="${escapeLabelValue(labels[i + 1]!)}"`;
    this.#lines.push(`${name}${text === '' ? '' : `${text}}`} ${formatFloat(value)}\n`);
  }

  /** A family of one sample without labels. */
  single(name: string, type: SampleType, help: string, value: number): void {
    this.family(name, type, help);
    this.sample(name, [], value);
  }

  /** Adds what another page holds. */
  append(other: Page): void {
    for (const line of other.#lines) this.#lines.push(line);
  }

  toString(): string {
    return this.#lines.join('');
  }
}
