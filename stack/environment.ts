import { join } from 'node:path';
import type { Home } from './home.js';

/** Settings of the user that point at somebody's cluster, cloud or proxy; the embedded stack must not follow them. */
const foreign = /^(TEMPORAL_|AWS_|VGW_|ROOT_(ACCESS|SECRET)_|(https?|all|no|grpc|no_grpc)_proxy$)/i;

/** The environment for the processes of an embedded stack: the user's, without what points elsewhere. */
export function embeddedEnvironment(
  home: Home,
  from: NodeJS.ProcessEnv = process.env,
): Record<string, string> {
  const kept = Object.entries(from).filter(([name, value]) => value !== undefined && !foreign.test(name));
  return {
    ...(Object.fromEntries(kept) as Record<string, string>),
    HINDSIGHT_HOME: home.root,
    // Profiles and endpoints in ~/.aws must not be followed either.
    AWS_CONFIG_FILE: join(home.root, 'no-aws-config'),
    AWS_SHARED_CREDENTIALS_FILE: join(home.root, 'no-aws-credentials'),
    AWS_EC2_METADATA_DISABLED: 'true',
    // The SDK is pinned; its notice about later versions would open every log.
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    // A user's `HINDSIGHT_STACK=remote` is for other runs: what belongs to an embedded stack uses that stack.
    HINDSIGHT_STACK: 'embedded',
  };
}

/** Applies {@link embeddedEnvironment} to this process, before it opens a connection to an embedded stack. */
export function enterEmbeddedEnvironment(home: Home): void {
  const wanted = embeddedEnvironment(home);
  for (const name of Object.keys(process.env)) if (!(name in wanted)) delete process.env[name];
  Object.assign(process.env, wanted);
}
