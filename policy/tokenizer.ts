import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { z } from 'zod';
import { TerminalError } from '../core/errors.js';

const TokenizerJson = z.looseObject({
  model: z.looseObject({}),
  added_tokens: z.array(
    z.looseObject({ id: z.int().nonnegative(), content: z.string(), special: z.boolean() }),
  ),
});

/** A parsed `tokenizer.json`. */
export type TokenizerJson = z.infer<typeof TokenizerJson>;

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
      return new Tokenizer(parsed.data, config);
    } catch (cause) {
      throw new TerminalError('policy.bad-tokenizer', `${origin} cannot be used`, { cause });
    }
  }

  /** Reads `tokenizer.json` and, where there is one, `tokenizer_config.json`. */
  static async load(folder: string): Promise<Tokenizer> {
    const read = async (name: string): Promise<unknown> => {
      const path = join(folder, name);
      try {
        return JSON.parse(await readFile(path, 'utf8'));
      } catch (cause) {
        if (name === 'tokenizer_config.json' && (cause as NodeJS.ErrnoException).code === 'ENOENT') return {};
        throw new TerminalError('policy.bad-tokenizer', `${path} cannot be read`, { cause });
      }
    };
    const config = z
      .record(z.string(), z.unknown())
      .catch({})
      .parse(await read('tokenizer_config.json'));
    return Tokenizer.fromJson(await read('tokenizer.json'), config, join(folder, 'tokenizer.json'));
  }

  /** Writes `tokenizer.json` and `tokenizer_config.json`; equal tokenizers give equal bytes. */
  async save(folder: string): Promise<void> {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'tokenizer.json'), `${JSON.stringify(this.json, null, 1)}\n`);
    await writeFile(join(folder, 'tokenizer_config.json'), `${JSON.stringify(this.config, null, 1)}\n`);
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
