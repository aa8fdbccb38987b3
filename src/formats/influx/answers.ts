// What InfluxDB answers when lines were refused, made from a scan result. 1.x keeps the good lines
// of a bad batch and says so ("partial write"); 2.x refuses the whole batch where a line does not
// parse; 3 does the one or the other as `accept_partial` asks. Sources: InfluxDB 1.8
// services/httpd/handler.go (serveWrite) and tsdb.PartialWriteError; 2.x http/write_handler.go and
// http/points/points_parser.go, which drops what parsed beside an error; 3 (up to 3.9)
// influxdb3_server/src/http.rs and influxdb3_types/src/write.rs.
import { quoteLine } from '../scan-errors.ts';
import type { LineProtocolResult } from './line-protocol.ts';

const LF = 10;

function moreLines(result: LineProtocolResult): string {
  const missing = result.errorCount - result.errors.length;
  return missing === 0 ? '' : `… and ${missing} more lines`;
}

function reasons(result: LineProtocolResult): string {
  const listed = result.errors.map((error) => error.reason).join('\n');
  const more = moreLines(result);
  return more === '' ? listed : `${listed}\n${more}`;
}

function partialWrite(result: LineProtocolResult): string {
  return `partial write: ${reasons(result)} dropped=${result.refusedFieldCount}`;
}

/**
 * The text of `{"error": …}` for `/write` with status 400, undefined where nothing was refused.
 * `dropped` counts fields refused by a limit; lines that do not parse are not in it, as in 1.x.
 */
export function influxV1Error(result: LineProtocolResult): string | undefined {
  if (result.errorCount === 0) return undefined;
  if (result.pointCount === 0 && result.refusedFieldCount === 0) return reasons(result);
  return partialWrite(result);
}

/** A status that is no success, and the body of the answer. */
export interface InfluxRefusal<Body> {
  readonly status: number;
  readonly body: Body;
}

type V2Code = 'invalid' | 'unprocessable entity';

/** What `/api/v2/write` answers, undefined where nothing was refused. */
export function influxV2Error(
  result: LineProtocolResult,
): InfluxRefusal<{ readonly code: V2Code; readonly message: string }> | undefined {
  if (result.errorCount === 0) return undefined;
  if (influxV2RefusesBatch(result))
    return { status: 400, body: { code: 'invalid', message: reasons(result) } };
  const message = `failure writing points to database: ${partialWrite(result)}`;
  return { status: 422, body: { code: 'unprocessable entity', message } };
}

/** True where 2.x stores nothing of the batch: some line does not parse. */
export function influxV2RefusesBatch(result: LineProtocolResult): boolean {
  return result.malformedCount > 0;
}

export interface InfluxV3Line {
  readonly error_message: string;
  readonly line_number: number;
  readonly original_line: string;
}

export interface InfluxV3Body {
  readonly error: string;
  /** All lines of a partial write, the first one where the batch was refused with it. */
  readonly data: InfluxV3Line | readonly InfluxV3Line[];
}

/** True where 3 stores nothing of the batch: some line is refused and all or nothing is wanted. */
export function influxV3RefusesBatch(
  result: LineProtocolResult,
  { acceptsPartial }: { readonly acceptsPartial: boolean },
): boolean {
  return !acceptsPartial && result.errorCount > 0;
}

/** What `/api/v3/write_lp` answers about `body`, undefined where nothing was refused. */
export function influxV3Error(
  result: LineProtocolResult,
  options: { readonly acceptsPartial: boolean; readonly body: Uint8Array },
): InfluxRefusal<InfluxV3Body> | undefined {
  if (result.errorCount === 0) return undefined;
  const lines = v3Lines(result, options.body);
  const [first] = lines;
  if (first !== undefined && influxV3RefusesBatch(result, options))
    return { status: 400, body: { error: 'parsing failed for write_lp endpoint', data: first } };
  const more = moreLines(result);
  if (more !== '') lines.push({ error_message: more, line_number: 0, original_line: '' });
  return {
    status: result.refusedFieldCount > 0 ? 422 : 400,
    body: { error: 'partial write of line protocol occurred', data: lines },
  };
}

/** The described lines; their errors are in the order of the lines, those of none (0) last. */
function v3Lines({ errors }: LineProtocolResult, body: Uint8Array): InfluxV3Line[] {
  let at = 0;
  let atLine = 1;
  return errors.map(({ line, reason }) => {
    for (; atLine < line; atLine++) at = body.indexOf(LF, at) + 1;
    const next = body.indexOf(LF, at);
    const end = next < 0 ? body.length : next;
    const text = line === 0 ? '' : quoteLine(body, at, end);
    return { error_message: bareReason(reason), line_number: line, original_line: text };
  });
}

/** Without the line that a reason quotes; what follows it has no quote in front of a colon. */
function bareReason(reason: string): string {
  if (!reason.startsWith("unable to parse '")) return reason;
  return reason.slice(reason.lastIndexOf("': ") + 3);
}
