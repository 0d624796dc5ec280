import type { Client } from '@temporalio/client';
import type { Payload, ProtoFailure } from '@temporalio/common';

/**
 * The value of a payload that was taken from the service's own messages, which the client does not decode.
 * @throws TerminalError `payload.key-unknown`, `payload.not-authentic`
 */
export async function readPayload<T>({ options }: Client, payload: Payload): Promise<T> {
  const { payloadCodecs, payloadConverter } = options.loadedDataConverter;
  let decoded = payload;
  for (const codec of [...payloadCodecs].reverse()) decoded = (await codec.decode([decoded]))[0]!;
  return payloadConverter.fromPayload<T>(decoded);
}

/** What a failure says, from its encrypted part where it has one. */
export async function failureMessage(client: Client, failure: ProtoFailure): Promise<string> {
  const { encodedAttributes, message } = failure;
  const attributes =
    encodedAttributes == null ? null : await readPayload<{ message?: string }>(client, encodedAttributes);
  return attributes?.message ?? message ?? 'no message';
}
