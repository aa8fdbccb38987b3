// What the door counts: requests and durations by route (the table's path, never the client's),
// body bytes in flight, contained bugs.
import type { MetricsRegistry } from '../../telemetry/registry.ts';
import type { Counter, HistogramMetric } from '../../telemetry/registry.ts';
import { METHODS } from './route.ts';
import type { BodyGate } from './body-gate.ts';

export interface HttpMetrics {
  request(route: string, method: string, status: number, seconds: number): void;
  bug(): void;
  handshakeFailed(): void;
}

const DURATION_BOUNDS_SEC = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60];

export function httpMetrics(registry: MetricsRegistry, gate: BodyGate): HttpMetrics {
  const requests = registry.counter({
    name: 'orrery_http_requests_total',
    help: 'HTTP requests by route, method and status.',
    labelNames: ['route', 'method', 'code'],
  });
  const durations = registry.histogram({
    name: 'orrery_http_request_duration_seconds',
    help: 'Time from the request head to the end of its handling, by route.',
    bounds: DURATION_BOUNDS_SEC,
    labelNames: ['route'],
  });
  const bugs = registry.counter({
    name: 'orrery_http_internal_errors_total',
    help: 'Requests that ended in an error of the server itself.',
  });
  const handshakes = registry
    .counter({
      name: 'orrery_tls_handshakes_failed_total',
      help: 'Connections to the HTTPS listener that ended before TLS was agreed on.',
    })
    .labels();
  registry.collect(
    {
      name: 'orrery_http_body_bytes_in_flight',
      help: 'Bytes of request bodies held now, as sent and decompressed.',
      type: 'gauge',
    },
    () => [[[], gate.heldBytes]],
  );
  // Children are kept by number, so that a request builds no label string.
  const children = new Map<
    string,
    { readonly byKey: Map<number, Counter>; time: HistogramMetric }
  >();
  const methods: readonly string[] = [...METHODS, 'HEAD', 'OPTIONS'];
  return {
    request(route, method, status, seconds) {
      let child = children.get(route);
      if (child === undefined)
        children.set(route, (child = { byKey: new Map(), time: durations.labels(route) }));
      const methodIndex = methods.indexOf(method);
      const key = (methodIndex + 1) * 1000 + status;
      let counter = child.byKey.get(key);
      if (counter === undefined) {
        counter = requests.labels(route, methods[methodIndex] ?? 'other', String(status));
        child.byKey.set(key, counter);
      }
      counter.add(1);
      child.time.observe(seconds);
    },
    bug: () => bugs.labels().add(1),
    handshakeFailed: () => handshakes.add(1),
  };
}
