// Targets of one job of a configuration: what a place says of a target, with the job's labels
// behind it, through the job's rules. Source: Prometheus scrape/target.go, PopulateLabels.
import { labelsFromObject, labelsToObject } from '../model/labels.ts';
import { Relabeller } from '../relabel/relabelling.ts';
import type { RelabelRule } from '../relabel/rule.ts';
import type { ScrapeJob } from './config/scrape-job.ts';
import type { DiscoveredTarget } from './file-targets.ts';

export class JobTargets {
  readonly job: ScrapeJob;
  /** Differs where what is scraped, or how, would differ. */
  readonly key: string;
  readonly #relabeller: Relabeller;

  constructor(job: ScrapeJob) {
    this.job = job;
    // Where its targets stand is no part of how they are scraped.
    const how = { ...job, targets: [], files: [] };
    this.key = JSON.stringify(how, (_name, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    );
    this.#relabeller = new Relabeller(job.relabel, 0);
  }

  get name(): string {
    return this.job.name;
  }

  get rules(): readonly RelabelRule[] {
    return this.job.relabel;
  }

  /** `ruled` is undefined where the rules leave the target out. */
  find(given: DiscoveredTarget): {
    readonly discovered: DiscoveredTarget;
    readonly ruled: DiscoveredTarget | undefined;
  } {
    const discovered = { ...this.job.defaults, ...given };
    const relabelled = this.#relabeller.apply(labelsFromObject(discovered));
    if (relabelled.kind !== 'kept') return { discovered, ruled: undefined };
    return { discovered, ruled: labelsToObject(relabelled.labels) };
  }
}
