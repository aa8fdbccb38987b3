/** Explore before the first query: a few that work on what the collector writes. */
import type { ReactNode } from 'react';

const EXAMPLES: readonly (readonly [string, string])[] = [
  ['up', 'Which targets answer'],
  ['avg by (mode) (rate(node_cpu_seconds_total[1m]))', 'Where the CPUs spend their time'],
  ['node_memory_MemAvailable_bytes', 'Memory that can still be used'],
  ['sum by (device) (rate(node_network_receive_bytes_total[1m]))', 'Traffic by network device'],
  ['sum by (protocol) (rate(orrery_ingest_samples_total[1m]))', 'Samples written, by protocol'],
  ['topk(10, count by (__name__) ({__name__!=""}))', 'The ten metrics with most series'],
];

export function ExploreEmpty({ onPick }: { readonly onPick: (expr: string) => void }): ReactNode {
  return (
    <section className="explore-empty" aria-labelledby="examples-title">
      <h2 id="examples-title">Ask something</h2>
      <p className="hint">
        Type a PromQL query and press <kbd>Ctrl</kbd> <kbd>Enter</kbd>, or start from one of these.
      </p>
      <ul>
        {EXAMPLES.map(([expr, what]) => (
          <li key={expr}>
            <button type="button" onClick={() => onPick(expr)}>
              <code>{expr}</code>
              <span className="hint">{what}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
