// Senders of others that are written in Go: built once, with exact versions, into the folder where
// the peers' programs lie, and taken from there by every later run.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Cold, with every module to be fetched; about one minute each on two idle cores. */
const BUILD_TIMEOUT_MS = 1_200_000;

interface GoProgram {
  readonly version: string;
  /** Of a main package: what `go install` would be given. */
  readonly package: string;
  readonly tags: readonly string[];
  /** Sources of a module of our own, by file name; without them it is the package's module. */
  readonly sources?: Readonly<Record<string, string>>;
}

const COLLECTOR_MODULES = `module orrery.test/collector

go 1.25

require (
	go.opentelemetry.io/collector/component v1.66.0
	go.opentelemetry.io/collector/confmap v1.66.0
	go.opentelemetry.io/collector/confmap/provider/fileprovider v1.66.0
	go.opentelemetry.io/collector/exporter v1.66.0
	go.opentelemetry.io/collector/exporter/otlphttpexporter v0.160.0
	go.opentelemetry.io/collector/otelcol v0.160.0
	go.opentelemetry.io/collector/receiver v1.66.0
	go.opentelemetry.io/collector/receiver/otlpreceiver v0.160.0
	go.opentelemetry.io/collector/service v0.160.0
)
`;

const COLLECTOR_MAIN = `package main

import (
	"log"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/fileprovider"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/otlphttpexporter"
	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/service/telemetry/otelconftelemetry"
)

func factories() (made otelcol.Factories, err error) {
	made.Telemetry = otelconftelemetry.NewFactory()
	made.Receivers, err = otelcol.MakeFactoryMap[receiver.Factory](otlpreceiver.NewFactory())
	if err != nil {
		return
	}
	made.Exporters, err = otelcol.MakeFactoryMap[exporter.Factory](otlphttpexporter.NewFactory())
	return
}

func main() {
	files := []confmap.ProviderFactory{fileprovider.NewFactory()}
	settings := otelcol.CollectorSettings{
		BuildInfo: component.BuildInfo{Command: "otelcol", Version: "0.160.0"},
		Factories: factories,
		ConfigProviderSettings: otelcol.ConfigProviderSettings{
			ResolverSettings: confmap.ResolverSettings{
				ProviderFactories: files, DefaultScheme: "file",
			},
		},
	}
	if err := otelcol.NewCommand(settings).Execute(); err != nil {
		log.Fatal(err)
	}
}
`;

const PROGRAMS = {
  telegraf: {
    version: '1.37.2',
    package: 'github.com/influxdata/telegraf/cmd/telegraf@v1.37.2',
    // Only the plugins that the tests use: all of them take several minutes more.
    tags: [
      'custom',
      'inputs.socket_listener',
      'parsers.influx',
      'outputs.graphite',
      'outputs.http',
      'outputs.influxdb',
      'outputs.influxdb_v2',
      'outputs.opentsdb',
      'outputs.warp10',
      'serializers.graphite',
      'serializers.influx',
      'serializers.prometheusremotewrite',
    ],
  },
  otelcol: {
    version: '0.160.0',
    package: '.',
    tags: [],
    sources: { 'go.mod': COLLECTOR_MODULES, 'main.go': COLLECTOR_MAIN },
  },
} as const satisfies Readonly<Record<string, GoProgram>>;

export type GoProgramName = keyof typeof PROGRAMS;
export const GO_PROGRAMS = Object.keys(PROGRAMS) as readonly GoProgramName[];

/** Packages that are compiled at a time: beside tests one, which leaves a core to them. */
interface BuildOptions {
  readonly packagesAtOnce: number;
}

async function go(
  args: readonly string[],
  folder: string,
  { packagesAtOnce, ...env }: BuildOptions & Record<string, string | number>,
) {
  const flags = `-p=${packagesAtOnce} -buildvcs=false -trimpath`;
  await promisify(execFile)('nice', ['-n', '10', 'go', ...args], {
    cwd: folder,
    env: { ...process.env, GOWORK: 'off', GOFLAGS: flags, ...env },
    timeout: BUILD_TIMEOUT_MS,
    maxBuffer: 64 * 1024 * 1024,
  });
}

async function build(name: GoProgramName, folder: string, options: BuildOptions) {
  const { package: what, tags, sources }: GoProgram = PROGRAMS[name];
  const tagged = tags.length === 0 ? [] : ['-tags', tags.join(',')];
  const flags = [...tagged, '-ldflags', '-s -w'];
  if (sources === undefined)
    return await go(['install', ...flags, what], folder, { ...options, GOBIN: folder });
  for (const [file, text] of Object.entries(sources)) await writeFile(join(folder, file), text);
  await go(['build', '-mod=mod', ...flags, '-o', name, what], folder, { ...options });
}

/** Path of a program; builds it where it is not there, which takes a minute or more. */
export async function goProgram(
  name: GoProgramName,
  options: BuildOptions = { packagesAtOnce: 1 },
): Promise<string> {
  const work = process.env['PEERS_WORK'] ?? join(tmpdir(), 'peers-work');
  const bin = process.env['PEERS_BIN'] ?? join(work, 'bin');
  const program = join(bin, `${name}-${PROGRAMS[name].version}`);
  if (existsSync(program)) return program;
  await mkdir(bin, { recursive: true });
  const folder = await mkdtemp(join(bin, `.${name}-`));
  try {
    await build(name, folder, options);
    // At once there as a whole: another run may look for it.
    await rename(join(folder, name), program);
  } catch (error) {
    throw new Error(`no ${name} at ${program}, and it cannot be built (it needs go 1.25)`, {
      cause: error,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return program;
}
