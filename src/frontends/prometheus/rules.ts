// `/api/v1/rules`: there are none yet, but what is asked for has to be well-formed, as Prometheus
// has it. Source: Prometheus web/api/v1/api.go (rules, parseListRulesPaginationRequest).
import type { Exchange } from '../http/exchange.ts';
import { invalidParameter, selectorParams } from './params.ts';
import { success } from './status.ts';

const GROUP_LIMIT_MAX = 2 ** 31 - 1;
/** What Go's strconv.ParseBool takes, in lower case. */
const BOOLEANS: ReadonlySet<string> = new Set(['1', 't', 'true', '0', 'f', 'false']);

export async function rules(exchange: Exchange): Promise<void> {
  const params = exchange.search;
  await selectorParams(params, { named: false });
  const type = (params.get('type') ?? '').toLowerCase();
  if (!['', 'alert', 'record'].includes(type))
    throw invalidParameter('type', `not supported value ${JSON.stringify(type)}`);
  const excluded = (params.get('exclude_alerts') ?? '').toLowerCase();
  if (excluded !== '' && !BOOLEANS.has(excluded))
    throw invalidParameter(
      'exclude_alerts',
      'error converting exclude_alerts: ' +
        `strconv.ParseBool: parsing ${JSON.stringify(excluded)}: invalid syntax`,
    );
  checkPages(params.get('group_limit') ?? '', params.get('group_next_token') ?? '');
  success(exchange, { groups: [] });
}

function checkPages(limit: string, token: string): void {
  if (limit === '') {
    if (token === '') return;
    const reason = 'group_limit needs to be present in order to paginate over the groups';
    throw invalidParameter('group_next_token', reason);
  }
  const isNumber = /^[+-]?\d+$/.test(limit);
  if (!isNumber || Math.abs(Number(limit)) > GROUP_LIMIT_MAX) {
    const reason = isNumber ? 'value out of range' : 'invalid syntax';
    const parsed = `strconv.ParseInt: parsing ${JSON.stringify(limit)}: ${reason}`;
    throw invalidParameter('group_limit', `group_limit needs to be a valid number: ${parsed}`);
  }
  if (Number(limit) <= 0)
    throw invalidParameter('group_limit', 'group_limit needs to be greater than 0');
  // No group can have given it out.
  if (token !== '')
    throw invalidParameter(
      'group_next_token',
      `invalid group_next_token '${token}'. were rule groups changed?`,
    );
}
