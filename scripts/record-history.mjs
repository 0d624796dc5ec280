#!/usr/bin/env node
// Records the histories of a finished run and of its child workflows, for the replay test. Usage, with the stack up:
//   npm run build && node scripts/record-history.mjs RUN_ID
// Do this when a workflow changes on purpose: the old histories are then of another bundle, which no run will meet.
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { loadEndpoints } from '../dist/stack/endpoints.js';

const [runId] = process.argv.slice(2);
if (runId === undefined) {
  process.stderr.write('usage: node scripts/record-history.mjs RUN_ID\n');
  process.exit(2);
}
const endpoints = await loadEndpoints();
const connection = await Connection.connect(endpoints.temporal.connection);
const client = new Client({ connection, namespace: endpoints.temporal.namespace });
const folder = join(dirname(fileURLToPath(import.meta.url)), '..', 'test', 'histories');
for (const part of ['', '/ingest', '/annotation', '/reflection', '/predictions']) {
  const history = await client.workflow.getHandle(runId + part).fetchHistory();
  const text = historyToJSON(history)
    // Where it was recorded is nobody's business.
    .replaceAll(/"identity": ?"[^"]*"/g, '"identity":"recorded"');
  const file = join(folder, `${part === '' ? 'pipeline' : part.slice(1)}.json`);
  writeFileSync(file, text);
  process.stderr.write(`${file}: ${history.events?.length ?? 0} events\n`);
}
await connection.close();
