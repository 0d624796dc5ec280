import { expect, test } from 'vitest';
import { embeddedEnvironment } from '../../stack/environment.js';
import { homePaths } from '../../stack/home.js';

const home = homePaths('/somewhere/home');

test('keeps what a program needs and drops what points at clusters, clouds and proxies', () => {
  const env = embeddedEnvironment(home, {
    PATH: '/bin',
    LANG: 'C',
    OPENAI_API_KEY: 'a teacher',
    HINDSIGHT_PAYLOAD_KEYS: 'of the workers',
    TEMPORAL_ADDRESS: 'x',
    TEMPORAL_TLS_CLIENT_KEY_PATH: 'x',
    AWS_PROFILE: 'x',
    AWS_SESSION_TOKEN: 'x',
    VGW_REGION: 'x',
    ROOT_SECRET_KEY: 'x',
    HTTPS_PROXY: 'x',
    http_proxy: 'x',
    ALL_PROXY: 'x',
    no_proxy: 'x',
    grpc_proxy: 'x',
    HINDSIGHT_STACK: 'remote',
    ABSENT: undefined,
  });
  expect(env).toEqual({
    PATH: '/bin',
    LANG: 'C',
    OPENAI_API_KEY: 'a teacher',
    HINDSIGHT_PAYLOAD_KEYS: 'of the workers',
    HINDSIGHT_HOME: '/somewhere/home',
    HINDSIGHT_STACK: 'embedded',
    AWS_CONFIG_FILE: '/somewhere/home/no-aws-config',
    AWS_SHARED_CREDENTIALS_FILE: '/somewhere/home/no-aws-credentials',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  });
});
