// `npm run bench:peers`: Orrery beside VictoriaMetrics, Prometheus and InfluxDB on the same bytes
// in the same run. Builds the peers where they are missing (needs go; InfluxDB also rust); a peer
// that cannot be built here is named and left out.
import { errorMessage } from '../src/stdx/assert.ts';
import { harness, requireHarness } from './peers-tools.ts';
import { answerHelp } from './help.ts';

answerHelp(import.meta.filename);

const PEERS = ['vm', 'prometheus', 'influxd'];
const REPEATS = '3';

requireHarness();
const passed = process.argv.slice(2);
const servers = ['orrery'];
for (const peer of PEERS)
  try {
    await harness('install.sh', [peer]);
    servers.push(peer);
  } catch (error) {
    console.error(`bench:peers: without ${peer}: ${errorMessage(error)}`);
  }
await harness('gen.js', []);
await harness('bench.js', ['--servers', servers.join(), '--repeats', REPEATS, ...passed]);
