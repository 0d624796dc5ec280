export { pipeline } from './pipeline.js';
export { annotationPhase } from './phases/annotation.js';
export { ingestPhase } from './phases/ingest.js';
export { predictionsPhase } from './phases/predictions.js';
export { reflectionPhase } from './phases/reflection.js';
