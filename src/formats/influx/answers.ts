// What InfluxDB answers when lines were refused, made from a scan result. 1.x keeps the good lines
// of a bad batch and says so ("partial write"); 2.x refuses the whole batch where a line does not
// parse. Source: InfluxDB 1.8 services/httpd/handler.go (serveWrite) and tsdb.PartialWriteError;
// 2.x http/write_handler.go and http/points/points_parser.go, which drops what parsed beside an
// error.
import type { LineProtocolResult } from './line-protocol.ts';

function reasons(result: LineProtocolResult): string {
  const listed = result.errors.map((error) => error.reason).join('\n');
  const missing = result.errorCount - result.errors.length;
  return missing === 0 ? listed : `${listed}\n… and ${missing} more lines`;
}

/**
 * The text of `{"error": …}` for `/write` with status 400, undefined where nothing was refused.
 * `dropped` counts fields refused by a limit; lines that do not parse are not in it, as in 1.x.
 */
export function influxV1Error(result: LineProtocolResult): string | undefined {
  if (result.errorCount === 0) return undefined;
  if (result.pointCount === 0 && result.refusedFieldCount === 0) return reasons(result);
  return `partial write: ${reasons(result)} dropped=${result.refusedFieldCount}`;
}

/** Body of `/api/v2/write` with status 400, undefined where nothing was refused. */
export function influxV2Error(
  result: LineProtocolResult,
): { readonly code: 'invalid'; readonly message: string } | undefined {
  if (result.errorCount === 0) return undefined;
  return { code: 'invalid', message: reasons(result) };
}

/** True where 2.x stores nothing of the batch: some line does not parse. */
export function influxV2RefusesBatch(result: LineProtocolResult): boolean {
  return result.malformedCount > 0;
}
