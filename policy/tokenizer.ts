import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { z } from 'zod';
import { TerminalError } from '../core/errors.js';
import { readInside, replaceFile } from './folder-file.js';

const TokenizerJson = z.looseObject({
  model: z.looseObject({}),
  added_tokens: z.array(
    z.looseObject({ id: z.int().nonnegative(), content: z.string(), special: z.boolean() }),
  ),
});

/** A parsed `tokenizer.json`. */
export type TokenizerJson = z.infer<typeof TokenizerJson>;

/** A tokenizer's files in a model folder: the first is what is read here, the rest serve other programs. */
const FILE_NAMES = [
  'tokenizer.json',
  'tokenizer_config.json',
  'vocab.json',
  'merges.txt',
  'added_tokens.json',
  'special_tokens_map.json',
  'chat_template.json',
  'chat_template.jinja',
];

/** What is used of the library; its own type files do not resolve under Node's module rules. */
interface Encoder {
  encode(text: string, options: { add_special_tokens: boolean }): { readonly ids: number[] };
  decode(
    ids: number[],
    options: { skip_special_tokens: boolean; clean_up_tokenization_spaces: boolean },
  ): string;
  token_to_id(token: string): number | undefined;
  get_vocab(): Map<string, number>;
}
const LibraryTokenizer = HuggingFaceTokenizer as unknown as new (json: object, config: object) => Encoder;

/** Text to token ids and back, for any `tokenizer.json` (`@huggingface/tokenizers`). */
export class Tokenizer {
  readonly #inner: Encoder;
  readonly #special: ReadonlySet<number>;
  /** Ids that exist: the embedding needs at least this many rows. */
  readonly size: number;

  private constructor(
    private readonly json: TokenizerJson,
    private readonly config: Readonly<Record<string, unknown>>,
    /** The files that it was read from, by name; null for a tokenizer that was made here. */
    private readonly files: ReadonlyMap<string, Uint8Array> | null,
  ) {
    this.#inner = new LibraryTokenizer(json, config);
    this.#special = new Set(json.added_tokens.filter((token) => token.special).map((token) => token.id));
    this.size = Math.max(...this.#inner.get_vocab().values()) + 1;
  }

  /** From the parsed contents of `tokenizer.json` and `tokenizer_config.json`; TerminalError `policy.bad-tokenizer`. */
  static fromJson(
    json: unknown,
    config: Readonly<Record<string, unknown>> = {},
    origin = 'tokenizer.json',
  ): Tokenizer {
    return Tokenizer.#make(json, config, origin, null);
  }

  static #make(
    json: unknown,
    config: Readonly<Record<string, unknown>>,
    origin: string,
    files: ReadonlyMap<string, Uint8Array> | null,
  ): Tokenizer {
    const parsed = TokenizerJson.safeParse(json);
    if (!parsed.success) {
      const [first] = parsed.error.issues;
      const field = first?.path.join('.') ?? '';
      throw new TerminalError(
        'policy.bad-tokenizer',
        `${origin}: ${field}: ${first?.message ?? 'not a tokenizer'}`,
      );
    }
    try {
      return new Tokenizer(parsed.data, config, files);
    } catch (cause) {
      throw new TerminalError('policy.bad-tokenizer', `${origin} cannot be used`, { cause });
    }
  }

  /**
   * Reads `tokenizer.json`, `tokenizer_config.json` and what else belongs to a tokenizer; only the first must be there.
   * TerminalErrors `policy.bad-tokenizer` and `policy.bad-model-folder`.
   */
  static async load(folder: string): Promise<Tokenizer> {
    const files = new Map<string, Uint8Array>();
    for (const name of FILE_NAMES) {
      const bytes = await readInside(folder, name);
      if (bytes !== null) files.set(name, bytes);
    }
    const parse = (name: string): unknown => {
      const bytes = files.get(name);
      try {
        if (bytes === undefined) throw new Error('there is no such file');
        return JSON.parse(Buffer.from(bytes).toString('utf8'));
      } catch (cause) {
        throw new TerminalError('policy.bad-tokenizer', `${join(folder, name)} cannot be read`, { cause });
      }
    };
    const config = z
      .record(z.string(), z.unknown())
      .catch({})
      .parse(files.has('tokenizer_config.json') ? parse('tokenizer_config.json') : {});
    return Tokenizer.#make(parse('tokenizer.json'), config, join(folder, 'tokenizer.json'), files);
  }

  /**
   * Writes the tokenizer's files: those that it was read from as they were, else `tokenizer.json` and
   * `tokenizer_config.json`. The chat template also gets a file of its own, without which transformers' processors have
   * none. Equal tokenizers give equal bytes.
   */
  async save(folder: string): Promise<void> {
    await mkdir(folder, { recursive: true });
    const files: Map<string, Uint8Array | string> = new Map(this.files ?? []);
    if (this.files === null) {
      files.set('tokenizer.json', `${JSON.stringify(this.json, null, 1)}\n`);
      files.set('tokenizer_config.json', `${JSON.stringify(this.config, null, 1)}\n`);
    }
    const template = this.config['chat_template'];
    if (
      typeof template === 'string' &&
      !files.has('chat_template.json') &&
      !files.has('chat_template.jinja')
    ) {
      files.set('chat_template.json', `${JSON.stringify({ chat_template: template }, null, 2)}\n`);
    }
    for (const [name, content] of files) await replaceFile(join(folder, name), content);
  }

  /** Ids of a text; nothing is added around it. */
  encode(text: string): number[] {
    return text === '' ? [] : this.#inner.encode(text, { add_special_tokens: false }).ids;
  }

  /** Text of ids; control tokens such as `<|im_end|>` are left out unless `keepSpecial`. */
  decode(ids: readonly number[], { keepSpecial = false }: { keepSpecial?: boolean } = {}): string {
    const kept = keepSpecial ? [...ids] : ids.filter((id) => !this.#special.has(id));
    if (kept.length === 0) return '';
    return this.#inner.decode(kept, { skip_special_tokens: false, clean_up_tokenization_spaces: false });
  }

  /** The id of one token; TerminalError `policy.unknown-token` when the vocabulary lacks it. */
  idOf(token: string): number {
    const id = this.#inner.token_to_id(token);
    if (id === undefined)
      throw new TerminalError('policy.unknown-token', `the tokenizer has no token ${token}`);
    return id;
  }

  has(token: string): boolean {
    return this.#inner.token_to_id(token) !== undefined;
  }
}
