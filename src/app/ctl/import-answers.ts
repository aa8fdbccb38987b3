// What a server's refusal says about the rows of a body. Imports and Graphite's sink name lines;
// other protocols answer as their owners do, without lines: then the scanner that the server has
// reads the body again here and says which rows it refuses.
import { countLines } from './import-bodies.ts';
import type { Body } from './import-bodies.ts';
import { problems } from './import-check.ts';
import type { CheckOptions } from './import-check.ts';

export interface BodyAnswer {
  readonly samples: number;
  readonly refusedRows: number;
  /** The described ones. */
  readonly rows: readonly { readonly line: number; readonly reason: string }[];
}

const COUNTS = /^refused lines: (\d+), kept samples: (\d+)\n/;
const LINE = /^line (\d+): (.*)$/gm;
const DROPPED = /\bdropped=(\d+)/;

type Cut = Body & { readonly lines?: readonly number[] };

/** A line of the body as a line of its file. */
function lineIn({ line, lines }: Cut, row: number): number {
  return lines === undefined ? line + row - 1 : (lines[row - 1] ?? 0);
}

/** undefined: the answer is not about rows. */
export function answerOf(
  { status, text }: { readonly status: number; readonly text: string },
  body: Cut,
  check: CheckOptions,
): BodyAnswer | undefined {
  if (status !== 400 && status !== 422) return undefined;
  const counts = COUNTS.exec(text);
  if (counts !== null)
    return {
      refusedRows: Number(counts[1]),
      samples: Number(counts[2]),
      rows: Array.from(text.matchAll(LINE), (match) => ({
        line: lineIn(body, Number(match[1])),
        reason: match[2]!,
      })),
    };
  const found = problems(body.bytes, check);
  const dropped = Number(DROPPED.exec(text)?.[1] ?? 0);
  if (found.errorCount === 0 && dropped === 0) return undefined;
  const rows = found.errors.map(({ line, reason }) => ({ line: lineIn(body, line), reason }));
  if (found.errorCount > 0)
    return { samples: found.pointCount - dropped, refusedRows: found.errorCount + dropped, rows };
  const last = body.line + countLines(body.bytes);
  const reason = `in lines ${body.line} to ${last}: ${text.trim()}`;
  return {
    samples: found.pointCount - dropped,
    refusedRows: dropped,
    rows: [{ line: body.line, reason }],
  };
}
