// The whole route table: every protocol's rows in one list. Tests walk it, so that a new route is
// covered by existing.
import { adminRoutes } from '../../frontends/admin/routes.ts';
import type { AdminDependencies } from '../../frontends/admin/routes.ts';
import { collectdRoutes } from '../../frontends/collectd/routes.ts';
import type { CollectdDependencies } from '../../frontends/collectd/routes.ts';
import { consoleRoutes } from '../../frontends/console/routes.ts';
import type { ConsoleDependencies } from '../../frontends/console/routes.ts';
import { graphiteRoutes } from '../../frontends/graphite/routes.ts';
import type { GraphiteDependencies } from '../../frontends/graphite/routes.ts';
import type { Route } from '../../frontends/http/route.ts';
import { importRoutes } from '../../frontends/import/routes.ts';
import type { ImportExportDependencies } from '../../frontends/import/routes.ts';
import { influxRoutes } from '../../frontends/influx/routes.ts';
import type { InfluxDependencies } from '../../frontends/influx/write.ts';
import { otlpRoutes } from '../../frontends/otlp/routes.ts';
import type { OtlpDependencies } from '../../frontends/otlp/metrics.ts';
import { opentsdbRoutes } from '../../frontends/opentsdb/routes.ts';
import type { OpentsdbDependencies } from '../../frontends/opentsdb/put.ts';
import { pushgatewayRoutes } from '../../frontends/pushgateway/routes.ts';
import type { PushgatewayDependencies } from '../../frontends/pushgateway/dependencies.ts';
import { tenancyRoutes } from '../../frontends/tenancy/routes.ts';
import type { TenancyApiDependencies } from '../../frontends/tenancy/routes.ts';
import { prometheusRoutes } from '../../frontends/prometheus/routes.ts';
import type { PrometheusDependencies } from '../../frontends/prometheus/routes.ts';

import { warp10Routes } from '../../frontends/warp10/routes.ts';
import type { Warp10Dependencies } from '../../frontends/warp10/routes.ts';

export type RouteDependencies = PrometheusDependencies &
  InfluxDependencies &
  GraphiteDependencies &
  OtlpDependencies &
  OpentsdbDependencies &
  Warp10Dependencies &
  CollectdDependencies &
  ImportExportDependencies &
  PushgatewayDependencies &
  AdminDependencies &
  TenancyApiDependencies &
  ConsoleDependencies;

/** Dependencies are used when a request comes, not before. */
export function productRoutes(deps: RouteDependencies): readonly Route[] {
  // Pushes change groups, not only points: they are none of those that can be tried dry.
  return [
    ...protocolRoutes(deps),
    ...pushgatewayRoutes(deps),
    ...adminRoutes(deps),
    ...tenancyRoutes(deps),
    ...consoleRoutes(deps),
  ];
}

type ProtocolDependencies = Omit<RouteDependencies, 'writeRoutes'>;

function protocolRoutes(deps: ProtocolDependencies): readonly Route[] {
  return [
    ...prometheusRoutes(deps),
    ...influxRoutes(deps),
    ...graphiteRoutes(deps),
    ...otlpRoutes(deps),
    ...opentsdbRoutes(deps),
    ...warp10Routes(deps),
    ...collectdRoutes(deps),
    ...importRoutes(deps),
  ];
}

/** Those that take points of some protocol. */
export function writingRoutes(deps: ProtocolDependencies): readonly Route[] {
  return protocolRoutes(deps).filter(({ permission }) => permission === 'write');
}
