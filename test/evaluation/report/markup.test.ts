import { describe, expect, it } from 'vitest';
import { markup, trusted } from '../../../evaluation/report/markup.js';

describe('markup', () => {
  it('escapes text, in content and in attributes', () => {
    const evil = `</script><img src=x onerror="alert('1')">&\``;
    expect(markup`<p title="${evil}">${evil}</p>`.text).toMatchInlineSnapshot(
      `"<p title="&#60;/script&#62;&#60;img src=x onerror=&#34;alert(&#39;1&#39;)&#34;&#62;&#38;&#96;">&#60;/script&#62;&#60;img src=x onerror=&#34;alert(&#39;1&#39;)&#34;&#62;&#38;&#96;</p>"`,
    );
  });

  it('leaves markup alone, joins lists, and leaves out null and false', () => {
    const items = ['a', '<b>'].map((item) => markup`<li>${item}</li>`);
    expect(markup`<ul>${items}${null}${false}${0}</ul>`.text).toBe(
      '<ul><li>a</li><li>&#60;b&#62;</li>0</ul>',
    );
  });

  it('trusts only what is said to be trusted', () => {
    expect(markup`${trusted('<!doctype html>')}${'<!doctype html>'}`.text).toBe(
      '<!doctype html>&#60;!doctype html&#62;',
    );
  });
});
