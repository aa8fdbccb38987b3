// `npm run bench:peers`: Orrery beside VictoriaMetrics, Prometheus and InfluxDB on the same bytes
// in the same run. Builds the peers where they are missing (needs go; InfluxDB also rust).
import { harness, requireHarness } from './peers-tools.ts';

requireHarness();
const passed = process.argv.slice(2);
await harness('install.sh', ['vm', 'prometheus', 'influxd']);
await harness('gen.js', []);
const servers = ['--servers', 'orrery,vm,prometheus,influxd'];
await harness('bench.js', [...servers, '--repeats', '3', ...passed]);
