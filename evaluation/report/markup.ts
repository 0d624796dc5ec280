/** HTML that is safe to put into a page as it is. Only {@link markup} and {@link trusted} make it. */
export class Markup {
  constructor(readonly text: string) {}
}

/** What may stand in a template: text is escaped, markup is not, lists are joined, `null` and `false` are nothing. */
export type MarkupValue = Markup | string | number | null | false | readonly MarkupValue[];

/**
 * Tagged template for HTML and SVG. Everything put into it is escaped, for text and for quoted attributes alike, unless it
 * is markup itself: what models and annotators wrote cannot become part of the page.
 */
export function markup(strings: TemplateStringsArray, ...values: readonly MarkupValue[]): Markup {
  let text = strings[0]!;
  for (const [index, value] of values.entries()) text += render(value) + strings[index + 1]!;
  return new Markup(text);
}

/** Text of our own that is not to be escaped: the style sheet, the script. */
export function trusted(text: string): Markup {
  return new Markup(text);
}

/** Escapes text for HTML content and for quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"'`]/g, (symbol) => `&#${symbol.charCodeAt(0)};`);
}

function render(value: MarkupValue): string {
  if (value instanceof Markup) return value.text;
  if (value === null || value === false) return '';
  if (typeof value === 'string') return escapeHtml(value);
  if (typeof value === 'number') return String(value);
  return value.map(render).join('');
}
