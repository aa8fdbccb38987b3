// Bodies of text protocols for benchmarks, in the shapes of the first measurements: 10,000 series a
// body, 10 seconds between two steps.
export const START_MS = 1_793_491_200_000;
export const BODY_SERIES = 10_000;

export function tagsOf(series: number, equals: string, quote: string, comma: string): string {
  const tags: [string, string][] = [
    ['hostname', `host_${series}`],
    ['region', `us-west-${series % 7}`],
    ['datacenter', `us-west-${series % 7}b`],
    ['rack', String(series % 97)],
    ['os', 'Ubuntu16.04LTS'],
    ['arch', series % 2 === 0 ? 'x64' : 'x86'],
    ['team', 'LON'],
    ['service', String(series % 19)],
  ];
  return tags.map(([name, value]) => name + equals + quote + value + quote).join(comma);
}

export function madePage(step: number): Uint8Array {
  let text = '';
  for (let family = 0; family < 20; family++) {
    text += `# HELP node_metric_${family}_total Some help.\n# TYPE node_metric_${family}_total counter\n`;
    for (let i = 0; i < 500; i++) {
      const series = family * 500 + i;
      const value = ((series * 7919 + step * 31) % 1_000_000) / 100;
      text += `node_metric_${family}_total{${tagsOf(series, '=', '"', ',')}} ${value}\n`;
    }
  }
  return Buffer.from(text);
}

/** 65 bytes a line, as in the first measurements. */
export function madeGraphite(step: number): Uint8Array {
  let text = '';
  const seconds = START_MS / 1000 + step * 10;
  for (let series = 0; series < 10_000; series++) {
    const value = ((series * 7919 + step * 31) % 1_000_000) / 100;
    text += `servers.eu-west.host_${1000 + (series % 1000)}.cpu.core${series % 7}.metric_${series} ${value} ${seconds}\n`;
  }
  return Buffer.from(text);
}

/** Metric, five tags and value of a series in a step. */
export function putParts(series: number, step: number) {
  const tags = {
    host: `host_${1000 + (series % 1000)}`,
    region: `us-west-${series % 7}`,
    rack: String(series % 97),
    team: 'LON',
    service: String(series % 19),
  };
  const value = ((series * 7919 + step * 31) % 1_000_000) / 100;
  return { metric: `sys.cpu.usage_${Math.floor(series / 1000)}`, tags, value };
}

/** 180 bytes a point, as in the first measurements. */
export function madePutJson(step: number): Uint8Array {
  const points = Array.from({ length: 10_000 }, (_, series) => {
    const { metric, tags, value } = putParts(series, step);
    return { metric, timestamp: START_MS / 1000 + step * 10, value, tags };
  });
  return Buffer.from(JSON.stringify(points));
}
