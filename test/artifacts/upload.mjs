// node upload.mjs PREFIX FOLDER FILE: uploads a file to the stack of HINDSIGHT_HOME as a blob. Made to be killed.
import { ArtifactStore } from '../../dist/artifacts/artifact-store.js';
import { loadEndpoints } from '../../dist/stack/endpoints.js';

const [, , prefix, folder, file] = process.argv;
const { store } = await loadEndpoints();
await new ArtifactStore({ ...store, prefix }, folder).blobs.putFile(file, 'application/octet-stream');
