import { Client, Connection } from '@temporalio/client';
import proto from '@temporalio/proto';
import type { Endpoints } from '../../stack/endpoints.js';

/** What the server keeps of one workflow execution, as the bytes it keeps and as messages. */
export interface RawHistory {
  readonly workflowId: string;
  readonly bytes: Buffer;
  readonly events: readonly proto.temporal.api.history.v1.IHistoryEvent[];
}

/** The histories of all workflows of a server, without any decoding of their payloads. */
export async function rawHistories({ temporal }: Endpoints): Promise<RawHistory[]> {
  const connection = await Connection.connect(temporal.connection);
  const { namespace } = temporal;
  try {
    const service = new Client({ connection, namespace }).workflowService;
    const { executions } = await service.listWorkflowExecutions({ namespace, pageSize: 1000 });
    return await Promise.all(
      executions.map(async ({ execution }) => {
        const events: proto.temporal.api.history.v1.IHistoryEvent[] = [];
        let nextPageToken: Uint8Array | undefined;
        do {
          const page = await service.getWorkflowExecutionHistory({
            namespace,
            execution: execution!,
            ...(nextPageToken === undefined ? {} : { nextPageToken }),
          });
          events.push(...(page.history?.events ?? []));
          nextPageToken = page.nextPageToken.length > 0 ? page.nextPageToken : undefined;
        } while (nextPageToken !== undefined);
        const bytes = Buffer.concat(
          events.map((event) => proto.temporal.api.history.v1.HistoryEvent.encode(event).finish()),
        );
        return { workflowId: execution!.workflowId!, bytes, events };
      }),
    );
  } finally {
    await connection.close();
  }
}

/** How the payloads below a message are encoded; search attributes are the server's, who must be able to read them. */
export function encodingsOf(message: unknown): string[] {
  if (typeof message !== 'object' || message === null || ArrayBuffer.isView(message)) return [];
  const { metadata } = message as { metadata?: Record<string, Uint8Array> };
  if (metadata?.['encoding'] instanceof Uint8Array) return [Buffer.from(metadata['encoding']).toString()];
  return Object.entries(message).flatMap(([name, value]) =>
    name === 'searchAttributes' ? [] : encodingsOf(value),
  );
}
