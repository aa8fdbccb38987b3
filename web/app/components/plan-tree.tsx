/** The plan of a query: a tree of its parts, each with its own time as a bar. */
import type { ReactNode } from 'react';
import type { PlanNode } from '../api/types.ts';
import { visible } from '../util/labels.ts';
import { formatCount, formatValue } from '../util/unit.ts';

interface PlanTreeProps {
  readonly root: PlanNode;
  /** Of its query; empty when there is one. */
  readonly letter: string;
}

export function PlanTree({ root, letter }: PlanTreeProps): ReactNode {
  return (
    <div
      className="table-scroll"
      tabIndex={0}
      role="region"
      aria-label={letter === '' ? 'Parts' : `Parts of ${letter}`}
    >
      <div className="plan">
        <div className="plan-row plan-head" aria-hidden="true">
          <span>Part</span>
          <span className="num">Own time</span>
          <span className="num">With all below</span>
          <span className="num">Samples read</span>
          <span className="num">Series out</span>
        </div>
        <ul>
          <PlanBranch node={root} totalMs={root.timeMs} depth={0} />
        </ul>
      </div>
    </div>
  );
}

interface PlanBranchProps {
  readonly node: PlanNode;
  readonly totalMs: number;
  readonly depth: number;
}

function PlanBranch({ node, totalMs, depth }: PlanBranchProps): ReactNode {
  const row = <PlanRow node={node} totalMs={totalMs} depth={depth} />;
  if (node.children.length === 0) return <li className="plan-leaf">{row}</li>;
  return (
    <li>
      <details open>
        <summary>{row}</summary>
        <ul>
          {node.children.map((child, index) => (
            // The parts of a plan never change their order.
            // oxlint-disable-next-line react/no-array-index-key
            <PlanBranch key={index} node={child} totalMs={totalMs} depth={depth + 1} />
          ))}
        </ul>
      </details>
    </li>
  );
}

function PlanRow({ node, totalMs, depth }: PlanBranchProps): ReactNode {
  const share = totalMs === 0 ? 0 : node.selfMs / totalMs;
  return (
    <span className="plan-row">
      <span className="plan-part" style={{ paddingInlineStart: depth * 16 }}>
        <span className="plan-mark" aria-hidden="true" />
        <span className="plan-kind">{visible(node.node)}</span>
        <code>{visible(node.text)}</code>
        {node.isShared && <span className="tag">taken from an equal part</span>}
        {node.computedSteps === 1 && node.stepCount > 1 && <span className="tag">once</span>}
      </span>
      <span className="num plan-own">
        <span className="plan-bar" aria-hidden="true">
          <span style={{ width: `${Math.round(share * 100)}%` }} />
        </span>
        <Said as="own time">{formatMs(node.selfMs)}</Said>
      </span>
      <Said as="with all below">{formatMs(node.timeMs)}</Said>
      <Said as="samples read">{formatCount(node.samplesRead)}</Said>
      <Said as="series out">{formatCount(node.seriesOut)}</Said>
    </span>
  );
}

/** A number under a heading that only eyes connect with it. */
function Said({ as, children }: { readonly as: string; readonly children: ReactNode }): ReactNode {
  return (
    <span className="num">
      <span className="visually-hidden">, {as} </span>
      {children}
    </span>
  );
}

export function formatMs(ms: number): string {
  return formatValue(ms / 1000, { base: 'seconds', perSec: false });
}
