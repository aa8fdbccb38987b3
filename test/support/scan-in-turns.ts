// Scans of one body that are cut short after some new rows, as turns of the event loop do it, and
// what a scan gave, in a form that can be compared.
import { BatchBuilder } from '../../src/model/batch-builder.ts';
import type { RowDictionary, RowSink, ScanResult } from '../../src/model/rows.ts';
import type { ProfileDictionary } from '../../src/ingest/row-dictionary.ts';
import { TurnOver } from '../../src/ingest/write-turns.ts';

type Scan = (dictionary: RowDictionary, sink: RowSink) => ScanResult;

/** Scans of one body at most. */
const SCANS_MAX = 1000;

/** All that a scan gave, in arrays of its own. */
export function contentOf(result: ScanResult, builder: BatchBuilder) {
  const { metadata, exemplars, attributes, points: columns } = builder.finish();
  const points = columns.map((column) => ({
    kind: column.kind,
    refs: column.refs.slice(0, column.count),
    rows: column.rows?.slice(0, column.count),
    tUs: column.tUs.slice(0, column.count),
    subNs: column.subNs?.slice(0, column.count),
    startUs: column.startUs?.slice(0, column.count),
    values:
      column.values instanceof Float64Array
        ? new Int32Array(column.values.slice(0, column.count).buffer)
        : column.values.slice(0, column.count),
  }));
  return { result, points, metadata, exemplars, attributes };
}

export interface Cuts {
  /** New rows of the nth turn, at least 2: one may be taken twice, as bytes and as pairs. */
  readonly rowsMax: (turn: number) => number;
  /** Called between two scans. */
  readonly between: () => void;
  readonly makeBuilder?: () => BatchBuilder;
}

export function scanInTurns(
  dictionary: ProfileDictionary,
  scan: Scan,
  { rowsMax, between, makeBuilder = () => new BatchBuilder() }: Cuts,
) {
  let since: number | undefined = undefined;
  const builder = makeBuilder();
  for (let scanCount = 0; scanCount < SCANS_MAX; scanCount++) {
    const most = rowsMax(scanCount);
    let rows = 0;
    const takeNewRow = (): void => {
      if (rows++ === most) throw new TurnOver();
    };
    if (since !== undefined) dictionary.resume();
    since = dictionary.begin({ turn: { takeNewRow }, since });
    try {
      const result = scan(dictionary, builder);
      dictionary.release();
      return { content: contentOf(result, builder), scanCount: scanCount + 1 };
    } catch (error) {
      if (!(error instanceof TurnOver)) throw error;
      dictionary.pause();
      builder.restart();
    }
    between();
  }
  throw new Error('a scan does not come to its end');
}
