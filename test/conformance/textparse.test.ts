// Text-format cases of the public suites: Prometheus' own text parser, prometheus/common's, the
// Python client's and whole pages with every entry they must give. Known failures are listed with
// their reasons; the list may only shrink, so a case that passes must leave it.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { labelsFromObject } from '../../src/model/labels.ts';
import { scanPrometheusText } from '../../src/formats/prometheus-text/exposition.ts';
import { RowRecorder, withCanary } from '../support/row-recorder.ts';

const SHARED = new URL(
  process.env['ORRERY_SHARED'] === undefined ? '../../../shared/' : `file://${process.env['ORRERY_SHARED']}/`,
  import.meta.url,
);
