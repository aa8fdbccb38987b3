// What an evaluation did, node by node, for `explain`: a tree of steps with their time and what
// they read. Nodes are evaluated one after the other, so that a stack is enough.
import { printExpr } from '../printer.ts';
import type { Expr } from '../ast.ts';

export interface TraceNode {
  /** Type of the syntax node, or 'Leaf' and 'Select' for what the storage was asked. */
  readonly node: string;
  /** As printed; of a leaf what is computed. */
  readonly text: string;
  /** Steps it has a value for, and for how many of them it was computed. */
  readonly stepCount: number;
  computedSteps: number;
  /** The same part was evaluated before: its value was taken from there. */
  isShared: boolean;
  /** With everything below. */
  timeMs: number;
  seriesRead: number;
  samplesRead: number;
  /** Series of its value; 1 for a scalar. */
  seriesOut: number;
  readonly children: TraceNode[];
}

export class Trace {
  readonly #nowMs: () => number;
  readonly #stack: { readonly node: TraceNode; readonly startedMs: number }[] = [];
  root: TraceNode | undefined = undefined;

  /** `nowMs`: a monotonic clock. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  begin(expr: Expr, stepCount: number): void {
    this.beginNode(expr.type, printExpr(expr), stepCount);
  }

  beginNode(node: string, text: string, stepCount: number): void {
    const one: TraceNode = {
      node,
      text,
      stepCount,
      computedSteps: stepCount,
      isShared: false,
      timeMs: 0,
      seriesRead: 0,
      samplesRead: 0,
      seriesOut: 0,
      children: [],
    };
    const parent = this.#stack.at(-1)?.node;
    if (parent === undefined) this.root = one;
    else parent.children.push(one);
    this.#stack.push({ node: one, startedMs: this.#nowMs() });
  }

  /** About the node at hand. */
  note(about: Partial<Pick<TraceNode, 'computedSteps' | 'isShared'>>): void {
    Object.assign(this.#stack.at(-1)!.node, about);
  }

  /** Counts what the node at hand, and with it all around it, has read. */
  read(seriesCount: number, sampleCount: number): void {
    for (const { node } of this.#stack) {
      node.seriesRead += seriesCount;
      node.samplesRead += sampleCount;
    }
  }

  end(seriesOut: number): void {
    const { node, startedMs } = this.#stack.pop()!;
    node.timeMs = this.#nowMs() - startedMs;
    node.seriesOut = seriesOut;
  }
}
