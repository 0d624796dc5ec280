import { expect, test } from 'vitest';
import { checksText, stackText } from '../../../cli/render/checks.js';

test('each check has a line, and its fix below it', () => {
  expect(
    checksText([
      { name: 'Node', ok: true, found: '20.20.2' },
      { name: 'ffmpeg', ok: 'warning', found: '4.2', fix: 'apt-get install ffmpeg' },
      { name: 'Temporal server', ok: false, found: 'not found', fix: 'npm run setup' },
    ]),
  ).toMatchInlineSnapshot(`
    "ok    Node             20.20.2
    warn  ffmpeg           4.2
          fix: apt-get install ffmpeg
    FAIL  Temporal server  not found
          fix: npm run setup
    "
  `);
});

test('the stack is shown with its processes and never with its credentials', () => {
  expect(
    stackText({
      home: '/data/.hindsight',
      status: 'ready',
      supervisor: { pid: 4711, startedAt: '1' },
      build: 'b',
      ports: { temporal: 7233, temporalHttp: 7243, temporalUi: 8233, temporalMetrics: 9233, s3: 7070 },
      failure: null,
      processes: [
        {
          name: 'worker-gpu',
          kind: 'worker',
          status: 'backoff',
          identity: null,
          restarts: 2,
          lastExit: 'SIGKILL',
          since: null,
          log: '/data/.hindsight/logs/worker-gpu.log',
        },
      ],
    }),
  ).toMatchInlineSnapshot(`
    "/data/.hindsight  ready

    worker-gpu  backoff  /data/.hindsight/logs/worker-gpu.log
    Temporal's web UI: http://127.0.0.1:8233
    "
  `);
});
