/** A query as the server reads it: type, the field that tells the most, the parts below. */
import type { ReactNode } from 'react';
import type { ParsedNode } from '../api/types.ts';
import { visible } from '../util/labels.ts';

export function ParsedTree({ root }: { readonly root: ParsedNode }): ReactNode {
  return (
    <ul className="parsed" aria-label="Parts of the query">
      <ParsedBranch node={root} />
    </ul>
  );
}

function ParsedBranch({ node }: { readonly node: ParsedNode }): ReactNode {
  const below = partsOf(node);
  const row = (
    <>
      <span className="plan-kind">{visible(node.type)}</span> <code>{visible(detailOf(node))}</code>
    </>
  );
  if (below.length === 0) return <li className="plan-leaf">{row}</li>;
  return (
    <li>
      <details open>
        <summary>{row}</summary>
        <ul>
          {below.map((child, index) => (
            // The parts of a query never change their order.
            // oxlint-disable-next-line react/no-array-index-key
            <ParsedBranch key={index} node={child} />
          ))}
        </ul>
      </details>
    </li>
  );
}

function isNode(value: unknown): value is ParsedNode {
  return typeof value === 'object' && value !== null && 'type' in value;
}

/** Fields that hold sub-expressions, in the order of reading. */
const PART_FIELDS = ['lhs', 'rhs', 'param', 'expr', 'args'] as const;

function partsOf(node: ParsedNode): readonly ParsedNode[] {
  return PART_FIELDS.flatMap((field) => {
    const value = node[field];
    return (Array.isArray(value) ? value : [value]).filter(isNode);
  });
}

function detailOf(node: ParsedNode): string {
  const { op, val, func, matchers } = node;
  const name = typeof node['name'] === 'string' ? node['name'] : '';
  if (typeof op === 'string') return op;
  if (typeof val === 'string') return val;
  if (typeof func === 'object' && func !== null && 'name' in func) return String(func.name);
  const list = (Array.isArray(matchers) ? matchers : []) as readonly Record<string, unknown>[];
  const others = list
    .filter((one) => one['name'] !== '__name__' || name === '')
    .map((one) => `${String(one['name'])}${String(one['type'])}${JSON.stringify(one['value'])}`);
  const rest = others.length === 0 ? '' : `{${others.join(', ')}}`;
  return `${name}${rest}`;
}
