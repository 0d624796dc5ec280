/**
 * What an annotator wrote, in the spelling of the templates: lower case, words and punctuation apart by single spaces, no
 * markup, no final stop, at most `most` words.
 */
export function plainText(text: string, most = 24): string {
  const words = text
    .normalize('NFKC')
    .replace(/\p{Cf}/gu, '')
    .replace(/[<>[\]|]/g, ' ')
    .toLowerCase()
    .match(/\d+\.\d+|[\p{L}\p{M}\p{N}_]+(?:['’-][\p{L}\p{M}\p{N}_]+)*|[^\s]/gu);
  const kept = (words ?? []).slice(0, most);
  while (kept.length > 0 && !/[\p{L}\p{N}]/u.test(kept.at(-1)!)) kept.pop();
  return kept.join(' ');
}

/** A place as an annotator names it, with a preposition: `left` -> `on the left`, `lower left` -> `at the lower left`. */
export function placeText(place: string): string {
  const text = plainText(place, 12);
  if (
    /^(on|in|at|near|under|over|behind|between|beside|across|along|around|from|by|above|below)\b/u.test(text)
  )
    return text;
  const noun = text.replace(/^(the|a|an) /, '');
  if (noun === '') return 'in the picture';
  if (noun === 'left' || noun === 'right') return `on the ${noun}`;
  return noun === 'centre' || noun === 'center' || noun === 'middle' ? `in the ${noun}` : `at the ${noun}`;
}
