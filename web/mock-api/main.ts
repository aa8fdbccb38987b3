/** The mock on its own, for design work: `node web/mock-api/main.ts 4399 host|written|empty`. */
import type { MockStore } from './mock-answer.ts';
import { startMockServer } from './server.ts';

const [port = '4399', store = 'host'] = process.argv.slice(2);
const server = await startMockServer(Number(port));
server.state.store = store as MockStore;
console.info(`mock console at ${server.url}`);
