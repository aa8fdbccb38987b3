// `/query` of InfluxDB 1.x for the one statement that writers send before they write: CREATE
// DATABASE, also with what may stand behind it. Databases are labels here and need not be made, so
// the answer is that it is done. Anything else is refused in the words of that API.
// Source: InfluxQL, "CREATE DATABASE"; InfluxDB 1.8 services/httpd/handler.go (serveQuery).
import { AppError } from '../../model/errors.ts';
import type { Exchange } from '../http/exchange.ts';

const STATEMENT =
  /\s*create\s+database\s+(?:"(?:[^"\\]|\\.)+"|\w+)(?:\s+with\s[^;]*)?\s*(?:;|$)|[\s;]+$/isuy;
const SHOWN_LENGTH = 100;

/** How many databases the text makes. */
function countOf(text: string): number {
  let count = 0;
  STATEMENT.lastIndex = 0;
  for (let at = 0; at < text.length; at = STATEMENT.lastIndex) {
    const found = STATEMENT.exec(text);
    if (found === null)
      throw new AppError(
        'invalid',
        'influxql',
        `only CREATE DATABASE is answered here, not ${text.slice(at, at + SHOWN_LENGTH).trim()}; ` +
          'ask with PromQL at /api/v1/query',
      );
    if (/\S/.test(found[0].replaceAll(';', ''))) count++;
  }
  return count;
}

export async function createDatabases(exchange: Exchange): Promise<void> {
  const text = (await exchange.form()).get('q') ?? '';
  if (text.trim() === '')
    throw new AppError('invalid', 'parameter', 'missing required parameter "q"');
  const results = Array.from({ length: countOf(text) }, (_, id) => ({ statement_id: id }));
  exchange.sendJson(200, { results });
}
