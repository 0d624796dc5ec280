import { z } from 'zod';
import { canonicalJson } from '../core/canonical-json.js';
import { sha256 } from '../core/digest.js';

/** Everything a stage's result depends on. Never a host, time, path, endpoint or backend. */
export const KeyParts = z.strictObject({
  stage: z.string(),
  version: z.int().min(1),
  params: z.json(),
  /** Name -> digest of an input blob, or of the part of one that this shard reads. */
  inputs: z.record(z.string(), z.string()),
  /** The one seed the stage draws from; null where it draws nothing. */
  seed: z.int().nullable(),
});
export type KeyParts = z.infer<typeof KeyParts>;

/** The content address of a stage's result: sha256 of the canonical JSON of its parts. */
export function stageKey(parts: KeyParts): string {
  return sha256(canonicalJson(parts));
}

const BlobRefSchema = z.strictObject({ digest: z.string(), bytes: z.int(), mediaType: z.string() });

/** Who made a result; informative, never part of a key. */
export const Producer = z.strictObject({
  code: z.string().describe('digest of the stage’s import closure'),
  /** Blob that names the files behind `code` with their digests; null in manifests of before it was recorded. */
  files: z.string().nullable().default(null),
  /** Id of the rerun that made it; null for the first result under its key. */
  rerun: z.string().nullable().default(null),
  run: z.string(),
  attempt: z.int(),
  host: z.string(),
  backend: z.string().nullable(),
  threads: z.int().nullable(),
  versions: z.record(z.string(), z.string()),
  startedAt: z.string(),
  endedAt: z.string(),
});
export type Producer = z.infer<typeof Producer>;

/** The record of a finished stage (or shard of one); written last, so that its presence means that all of it is there. */
export const Manifest = z.strictObject({
  schema: z.literal(1),
  key: z.string(),
  parts: KeyParts,
  outputs: z.record(z.string(), BlobRefSchema),
  /** Further blobs that the outputs refer to by digest (frame packs, contact sheets). */
  blobs: z.array(z.string()),
  /** Keys of the shards behind a sharded stage's result. */
  shards: z.array(z.string()),
  metrics: z.record(z.string(), z.number()),
  producer: Producer,
});
export type Manifest = z.infer<typeof Manifest>;

/** Where the manifest lies that holds for a key. */
export function manifestName(stage: string, key: string): string {
  return `stages/${stage}/${key}.json`;
}

/** Where each of the manifests lies that a key has had, once it was made again; `digest` is of its bytes. */
export function generationName(stage: string, key: string, digest: string): string {
  return `generations/${stage}/${key}/${digest}.json`;
}
