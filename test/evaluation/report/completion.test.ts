import { describe, expect, it } from 'vitest';
import { readableCompletion } from '../../../evaluation/report/completion.js';
import { passText, reflectiveText } from '../videos.js';

/** What a reader sees: tags of the page out. */
const seen = (text: string) =>
  readableCompletion(text)
    .text.replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();

describe('readableCompletion', () => {
  it('lays out steps and answer under headings, fields named', () => {
    expect(seen(passText([0.125, 0.5]))).toBe(
      'Step 1, the scene a quiet street Step 2, what happens something glows Step 3, why it stands out that is unusual Step 4, what it means it may spread Answer which Abnormal what flames rise when [ 0.125 , 0.500 ] where on the left why fire is dangerous how people may be hurt',
    );
  });

  it('folds the first pass of a reflective answer', () => {
    const text = reflectiveText(null, [0, 1]);
    expect(readableCompletion(text).text).toMatch(
      /^<div class="completion"><details><summary>First pass<\/summary>/,
    );
    expect(seen(text)).toContain('Reflection looking again at the left side Step 1, the scene');
  });

  it('shows what does not fit the grammar as it was written', () => {
    expect(seen('I cannot say.')).toBe('I cannot say.');
    expect(seen('<think> <step9> odd </step9> <which>')).toBe('&#60;step9&#62; odd &#60;/step9&#62;');
    expect(seen('')).toBe('');
    expect(seen('<answer> <which> Normal')).toBe('Answer which Normal');
  });

  it('lets nothing out of the page that a model writes', () => {
    for (const text of [
      '</script><script>alert(1)</script>',
      '<answer><img src=x onerror=alert(1)></answer>',
      '"><svg onload=alert(1)>',
      '</div></body>',
    ]) {
      expect(
        readableCompletion(text).text.replace(
          /<\/?(div|p|b|i|span|details|summary)( class="[a-z ]+")?>/g,
          '',
        ),
      ).not.toMatch(/[<>]/);
    }
  });
});
