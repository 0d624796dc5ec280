import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildPrompt, encodeCompletion } from '../../policy/prompt.js';
import { Tokenizer } from '../../policy/tokenizer.js';
import { SPECIAL_TOKENS, trainWordTokenizer } from '../../policy/word-tokenizer.js';

const texts = [
  '<think> <step1> A fixed camera shows a car park, by day. </step1> </think>',
  '<answer><which>Normal</which><what>Wrong-Way Driving</what><when>[0.125, 1.000]</when></answer>',
  "notes : 0.000 quiet 0.125 flames; it's a person's bag!",
];

describe('a word-level tokenizer', () => {
  const tokenizer = trainWordTokenizer(texts, ['smoke']);

  it('has one token per word, number and tag, even where they touch', () => {
    const pieces = (text: string) =>
      tokenizer.encode(text).map((id) => tokenizer.decode([id], { keepSpecial: true }));
    expect(pieces('<which>Normal</which><when>[0.125,1.000]</when>')).toEqual([
      ...['<which>', 'Normal', '</which>', '<when>', '[', '0.125', ',', '1.000', ']', '</when>'],
    ]);
    expect(pieces("Wrong-Way Driving; it's smoke.")).toEqual([
      'Wrong-Way',
      'Driving',
      ';',
      "it's",
      'smoke',
      '.',
    ]);
    expect(pieces('car zebra car')).toEqual(['car', '<unk>', 'car']);
  });

  it('encodes what it decoded to the same ids', () => {
    for (const text of [...texts, 'an unseen zebra <unk> 3.25 <which', '', '  ', "0.125.0.000 'car' -car-"]) {
      const ids = tokenizer.encode(text);
      expect(tokenizer.encode(tokenizer.decode(ids, { keepSpecial: true })), text).toEqual(ids);
    }
    expect(tokenizer.decode(tokenizer.encode(texts[1]!))).toBe(
      '<answer> <which> Normal </which> <what> Wrong-Way Driving </what> <when> [ 0.125 , 1.000 ] </when> </answer>',
    );
  });

  it('gives ids that depend only on the set of words, specials first', () => {
    const again = trainWordTokenizer(
      [...texts].reverse().flatMap((text) => [text, text]),
      ['smoke'],
    );
    expect(again.size).toBe(tokenizer.size);
    for (const text of texts) expect(again.encode(text)).toEqual(tokenizer.encode(text));
    expect(SPECIAL_TOKENS.map((token) => tokenizer.idOf(token))).toEqual([...SPECIAL_TOKENS.keys()]);
    expect(tokenizer.has('zebra')).toBe(false);
    expect(() => tokenizer.idOf('zebra')).toThrow(/no token zebra/);
  });

  it('builds prompts around one video', () => {
    const ids = buildPrompt(trainWordTokenizer(['Is it normal?']), 'Is it normal?', 5);
    const own = trainWordTokenizer(['Is it normal?']);
    expect(own.decode(ids, { keepSpecial: true })).toBe(
      '<|im_start|> user <|vision_start|> ' +
        '<|video_pad|> '.repeat(5) +
        '<|vision_end|> Is it normal ? <|im_end|> <|im_start|> assistant',
    );
    expect(own.decode(ids)).toBe('user Is it normal ? assistant');
    expect(own.decode(buildPrompt(own, 'normal', 1, { system: 'Is' }), { keepSpecial: true })).toMatch(
      /^<\|im_start\|> system Is <\|im_end\|> <\|im_start\|> user/,
    );
    expect(() => buildPrompt(own, 'a <|video_pad|> b', 5)).toThrow(/control token/);
    expect(encodeCompletion(own, 'normal')).toEqual([own.idOf('normal'), own.idOf('<|im_end|>')]);
  });
});

describe('saving and loading', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tokenizer-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('writes equal bytes for equal tokenizers and reads itself back', async () => {
    await trainWordTokenizer(texts).save(folder);
    const bytes = await readFile(join(folder, 'tokenizer.json'));
    const loaded = await Tokenizer.load(folder);
    for (const text of texts) expect(loaded.encode(text)).toEqual(trainWordTokenizer(texts).encode(text));
    await loaded.save(folder);
    expect(await readFile(join(folder, 'tokenizer.json'))).toEqual(bytes);
    expect(loaded.encode('zebra')).toEqual([loaded.idOf('<unk>')]);
  });

  it('loads a byte-pair tokenizer without its config', async () => {
    const vocab = Object.fromEntries(['a', 'b', 'c', 'ab', 'Ġ', 'Ġab'].map((token, id) => [token, id]));
    const json = {
      added_tokens: [{ id: 6, content: '<|im_end|>', special: true, normalized: false }],
      normalizer: { type: 'NFC' },
      pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: true },
      post_processor: null,
      decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false },
      model: { type: 'BPE', vocab, merges: ['a b', 'Ġ ab'], unk_token: null },
    };
    await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(json));
    const tokenizer = await Tokenizer.load(folder);
    expect(tokenizer.encode('abc ab<|im_end|>')).toEqual([3, 2, 5, 6]);
    expect(tokenizer.decode([3, 2, 5, 6])).toBe('abc ab');
    expect(tokenizer.size).toBe(7);
  });

  it('says what is wrong with a file', async () => {
    await expect(Tokenizer.load(folder)).rejects.toThrow(/tokenizer.json cannot be read/);
    await writeFile(join(folder, 'tokenizer.json'), '{"model": {}}');
    await expect(Tokenizer.load(folder)).rejects.toThrow(/added_tokens/);
    await writeFile(join(folder, 'tokenizer.json'), '{"model": {"type": "Mystery"}, "added_tokens": []}');
    await expect(Tokenizer.load(folder)).rejects.toThrow(/cannot be used/);
  });
});
