import { describe, expect, it } from 'vitest';
import { paperTables } from '../../evaluation/papers.js';

describe('the papers’ figures', () => {
  it('are complete tables with a source', () => {
    for (const { source, columns, rows } of paperTables) {
      expect(source).toMatch(/^arXiv \d{4}\.\d{5}/);
      for (const { values } of rows) expect(values).toHaveLength(columns.length);
    }
  });

  it('are shares, or percent where the column says so', () => {
    for (const { columns, rows } of paperTables) {
      for (const { values } of rows) {
        for (const [index, value] of values.entries()) {
          if (value === null) continue;
          expect(value).toBeGreaterThan(0);
          expect(value).toBeLessThanOrEqual(columns[index]!.includes('%') ? 100 : 1);
        }
      }
    }
  });

  it('hold the headline of Vad-R1: accuracy .875, mIoU .713', () => {
    const { columns, rows } = paperTables[0]!;
    const ours = rows.find(({ model }) => model.startsWith('Vad-R1'))!;
    expect(ours.values[columns.indexOf('Accuracy')]).toBe(0.875);
    expect(ours.values[columns.indexOf('mIoU')]).toBe(0.713);
  });
});
