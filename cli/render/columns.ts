/**
 * Rows as aligned columns, two blanks between them, without blanks at line ends. The last cell of a row that has fewer of
 * them than the first one runs on over the columns that it lacks.
 */
export function columns(rows: readonly (readonly string[])[]): string {
  const count = Math.max(0, ...rows.map((row) => row.length));
  const runsOn = (row: readonly string[], column: number): boolean =>
    row.length < (rows[0]?.length ?? 0) && column === row.length - 1;
  const widths = Array.from({ length: count }, (_, column) =>
    Math.max(0, ...rows.map((row) => (runsOn(row, column) ? 0 : (row[column]?.length ?? 0)))),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

/** Text that fits into a row of the screen, with an ellipsis where it was cut. */
export function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}

/** Text in lines of at most `width`, broken at blanks; those after the first are set in by `indent`. */
export function wrap(text: string, width: number, indent = ''): string {
  return text
    .split('\n')
    .map((line) => {
      const lines: string[] = [];
      let current = '';
      for (const word of line.split(' ')) {
        const longer = current === '' ? word : `${current} ${word}`;
        const room = lines.length === 0 ? width : width - indent.length;
        if (longer.length <= room || current === '') current = longer;
        else {
          lines.push(current);
          current = word;
        }
      }
      return [...lines, current].join(`\n${indent}`);
    })
    .join(`\n${indent}`);
}
