// A rule as it was written: plain values that may cross threads. What it does is relabelling.ts.
// Source: Prometheus, "relabel_config", and model/relabel/relabel.go.

export const ACTIONS = [
  'replace',
  'keep',
  'drop',
  'keepequal',
  'dropequal',
  'hashmod',
  'labelmap',
  'labeldrop',
  'labelkeep',
  'lowercase',
  'uppercase',
] as const;
export type Action = (typeof ACTIONS)[number];

export interface RelabelRule {
  readonly action: Action;
  readonly sourceLabels: readonly string[];
  readonly separator: string;
  /** Anchored at both ends. */
  readonly regex: string;
  /** Of hashmod; 0 where none was given. */
  readonly modulus: bigint;
  readonly targetLabel: string;
  readonly replacement: string;
  /** Where it stands in the configuration, from 1. */
  readonly line: number;
}

export const DEFAULT_RULE: RelabelRule = {
  action: 'replace',
  sourceLabels: [],
  separator: ';',
  regex: '(.*)',
  modulus: 0n,
  targetLabel: '',
  replacement: '$1',
  line: 0,
};

/** Any text but '' that is UTF-8. */
export function isLabelName(name: string): boolean {
  return name !== '' && name.isWellFormed();
}
