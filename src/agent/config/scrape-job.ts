// What one entry of `scrape_configs` says, as the collector uses it. Plain values; files of secrets
// are read at each scrape. Source: Prometheus, "scrape_config".
import type { RelabelRule } from '../../relabel/rule.ts';
import type { TargetAccess } from '../target-access.ts';

export interface ScrapeJob {
  readonly name: string;
  /** Labels that each target is found with, where it does not say otherwise. */
  readonly defaults: Readonly<Record<string, string>>;
  /** Further values of parameters of the URL; the first is in `defaults`. */
  readonly moreParams: readonly (readonly [string, string])[];
  readonly targets: readonly Readonly<Record<string, string>>[];
  /** Patterns of files of targets; a star stands in the last part alone. */
  readonly files: readonly string[];
  /** Of targets. */
  readonly relabel: readonly RelabelRule[];
  /** Of the series of their pages. */
  readonly metricRelabel: readonly RelabelRule[];
  readonly access: TargetAccess;
  readonly honorLabels: boolean;
  readonly honorTimestamps: boolean;
  readonly customBuckets: boolean;
  readonly followsRedirects: boolean;
  /** undefined: no limit but the server's. */
  readonly bodyBytesMax: number | undefined;
  readonly sampleCountMax: number | undefined;
}

export interface ScrapeConfig {
  readonly jobs: readonly ScrapeJob[];
  /** Fields that say something which has no effect here, for the log. */
  readonly ignored: readonly string[];
}
