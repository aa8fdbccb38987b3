// The table of limits as words: docs/operations/limits.md.
import { LIMIT_IDS, LIMITS } from '../../tenancy/limit-table.ts';
import type { LimitId, LimitRow } from '../../tenancy/limit-table.ts';
import { table } from './doc.ts';
import { size } from './kinds.ts';

function valueText(value: number, { unit, per }: LimitRow): string {
  const each = per === undefined ? '' : ` a ${per}`;
  if (unit === 'bytes') return `${size.print(value)}${each}`;
  return `${value.toLocaleString('en-US')} ${unit}${each}`;
}

function section(id: LimitId): string {
  const limit: LimitRow = LIMITS[id];
  const { what, scope } = limit;
  const of = scope === 'both' ? 'Of a tenant and of a token.' : 'Of a tenant.';
  const words = `${what} Default: ${valueText(limit.fallback, limit)}. ${of} ${againText(limit)}`;
  return `### ${id}\n\n${words.trimEnd()}\n`;
}

function againText({ unit, retryable }: LimitRow): string {
  if (unit === 'turns') return '';
  return retryable ? 'May be tried again.' : 'The same request is refused each time.';
}

function againCell({ unit, retryable }: LimitRow): string {
  if (unit === 'turns') return '';
  return retryable ? 'yes' : 'no';
}

/** Content of docs/operations/limits.md. */
export function limitsPage(): string {
  const rows = LIMIT_IDS.map((id) => {
    const limit: LimitRow = LIMITS[id];
    const { scope } = limit;
    return [
      `[\`${id}\`](#${id})`,
      valueText(limit.fallback, limit),
      scope === 'both' ? 'tenant, token' : 'tenant',
      againCell(limit),
    ];
  });
  return `# Limits: what each tenant and each token may take

Generated from \`src/tenancy/limit-table.ts\` by \`node tools/limits-doc.ts\`; do not edit. What the process as a whole
may take, and what is said at that bound, is in [memory and queries](memory-and-queries.md).

What holds for a request is the default below, over it the server's (\`--limit active-series=100000\`, repeatable; bytes
take sizes such as \`64MiB\`, seconds durations such as \`30d\`), over it the tenant's own, and where it is lower the
token's. A token never gets more than its tenant, and what its tenant's other tokens take counts for it too. The defaults
let one process have a laptop for itself: who shares it sets lower ones. 0 is a limit like any other: nothing passes.

${table([['limit', 'default', 'of', 'may be tried again'], ...rows])}
## What a refusal says

Each protocol refuses in its own words: the status is 429 with \`Retry-After\` (seconds) where the same request may be tried again, 413 for a body
that is too large, 422 for a query that asks for too much, and what the protocol says of a bad row where a limit refuses some of the series of a write. The
sentence names who is over which limit, what was there, what is the most, this page, and what contributes most where that is known. Where the answer is a JSON object it also has

\`\`\`json
"limit": {"id": "active-series", "limit": 1000, "value": 1000, "contributors": ["label request of metric api_n (64 values refused)"], "docs": "docs/operations/limits.md#active-series"}
\`\`\`

Contributors are names, those of what took most lately first: \`token ID, influx\` of samples and of what is under way, \`token ID, promql\` of the cost of queries (without tokens the protocol or
language alone), a selector and a label of a query that asks for too much, a label of refused series.

A write that is over as a whole is refused before its body is read. Of a batch with new series that are refused the rest is kept: the answer
counts what was refused and names the first ones, as it does for rows that do not parse, and \`limit\` is the first limit that refused a series of it (of labels, too), also in
answers that are successes in part (OTLP, OpenTSDB with \`summary\` or \`details\`). A write of which \`active-series\` or \`new-series-per-minute\` left nothing is refused as a whole: 429, and
\`Retry-After\` says when the minute has room for a series again, or 60 seconds where series have to become inactive first; a row that is wrong beside them makes it the protocol's answer to bad rows.
Lines over TCP and UDP, which have no answers, lose such rows and go on. With several shards what is under way and exemplars are
counted by thread, each with its part of the limit.

What all tenants together take of one bound is refused to the one that has most of it: 503 with \`Retry-After\` for the heaviest, while one that has little is
let in (docs/decisions/0061). Requests that administer the server or ask for its health are bound by none of it.

## Who came to a limit

\`GET /orrery/v1/breaches\` tells a tenant of the last 64 limits that refused something of it since the start (\`"kind": "refused"\`), or of which four fifths
were reached (\`"near"\`): the limit, the value, when first and last, how often, and of the first one the protocol (or the path of a request that
was refused as a whole), the sender's address and the token. Of refused series it names the metric, the label with the most values among what was refused, and
\`rules\`: [relabelling](relabelling.md) rules that take this label from this metric, or drop the metric where no label is to blame. They can be tried with
\`POST /orrery/v1/relabel/debug\`, and on the last hour with \`POST /orrery/v1/relabel/preview\`, before they are set. While four fifths of \`active-series\` or \`new-series-per-minute\` are
reached the same is told of the series that are made (of eight metrics at most; a rule where a label has several values). Exemplars and metadata that were left out count as refused, too.
Lines over TCP and UDP are told of by series only.
\`GET /orrery/v1/tenants/T/breaches\` tells a server admin the same of any tenant, \`orrery tenant refusals T\` as a table.

## The limits

${LIMIT_IDS.map(section).join('\n')}`;
}
