import { mainTable } from '../evaluation/tables.js';
import { comparisonText } from './render/comparison.js';
import { learningText } from './render/learning.js';
import { resultText } from './render/result-table.js';
import type { RunApi } from './run-api.js';
import type { Terminal } from './terminal.js';

/** Prints what a run has measured, as far as it is there: the table, what each stage changed, the variants, the report. */
export async function printResults(terminal: Terminal, api: RunApi, runId: string): Promise<void> {
  const evaluation = await api.fetchEvaluation(runId);
  if (evaluation !== null) {
    terminal.out(`\n${resultText(mainTable(evaluation), terminal.columns)}\n${learningText(evaluation)}\n`);
  }
  const comparison = await api.fetchComparison(runId);
  if (comparison !== null) terminal.out(`${comparisonText(comparison)}\n`);
  const report = await api.fetchReport(runId);
  if (report !== null) terminal.out(`report: ${report}\n`);
}
