import { alignedMarkdown, caption, cellText, markdownTable, share } from '../../evaluation/tables.js';
import type { MainTable } from '../../evaluation/tables.js';

/**
 * The main table as Markdown, aligned. On a screen too narrow for it: one row a metric, where checkpoints alone keep their
 * intervals; on a narrower one still, a block for each row. The report has all of it.
 */
export function resultText(table: MainTable, width: number | undefined): string {
  const full = markdownTable(table);
  if (width === undefined || longest(full) <= width) return full;
  const turned = turnedTable(table);
  return longest(turned) <= width ? turned : blocks(table);
}

function turnedTable(table: MainTable): string {
  const names = ['', ...table.rows.map(({ name }) => name)];
  const lines = table.columns.map(({ label, policy }, column) => [
    `${label} (${policy})`,
    ...table.rows.map(({ kind, cells }) => {
      const cell = cells[column]!;
      return kind === 'checkpoint' || cell.value === null ? cellText(cell) : share(cell.value);
    }),
  ]);
  return [alignedMarkdown([names, ...lines]), '', caption(table), ''].join('\n');
}

function blocks(table: MainTable): string {
  const label = Math.max(...table.columns.map((column) => `${column.label} (${column.policy})`.length));
  const text = table.rows.map(({ name, cells }) => {
    const lines = table.columns.map(
      (column, index) =>
        `  ${`${column.label} (${column.policy})`.padEnd(label)}  ${cellText(cells[index]!)}\n`,
    );
    return `${name}\n${lines.join('')}`;
  });
  return `${text.join('\n')}\n${caption(table)}\n`;
}

function longest(text: string): number {
  return Math.max(...text.split('\n').map((line) => line.length));
}
