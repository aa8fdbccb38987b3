// `/api/v1/status/buildinfo`, `/api/v1/rules`, `/api/v1/alerts`: what dashboards ask before they
// work.
import type { Exchange } from '../http/exchange.ts';

/**
 * Clients read `version` as the level of the Prometheus API they may use, so it names the one
 * spoken here; `revision` says who really answers.
 */
const API_LEVEL = '3.5.0';

export async function buildInfo(version: string, exchange: Exchange): Promise<void> {
  const data = {
    version: API_LEVEL,
    revision: `orrery-${version}`,
    branch: '',
    buildUser: '',
    buildDate: '',
    goVersion: '',
  };
  exchange.sendJson(200, { status: 'success', data });
}

export async function rules(exchange: Exchange): Promise<void> {
  exchange.sendJson(200, { status: 'success', data: { groups: [] } });
}

export async function alerts(exchange: Exchange): Promise<void> {
  exchange.sendJson(200, { status: 'success', data: { alerts: [] } });
}
