import { Blobs } from './blobs.js';
import { Checkpoints } from './checkpoints.js';
import { Manifests } from './manifests.js';
import { ObjectStore, type StoreConnection } from './object-store.js';
import { Runs } from './runs.js';
import { SampleOutcomes } from './sample-outcomes.js';

/** The whole artifact contract over one bucket. */
export class ArtifactStore {
  readonly objects: ObjectStore;
  readonly blobs: Blobs;
  readonly manifests: Manifests;
  readonly checkpoints: Checkpoints;
  readonly runs: Runs;
  readonly outcomes: SampleOutcomes;

  constructor(connection: StoreConnection, blobFolder: string) {
    this.objects = new ObjectStore(connection);
    this.blobs = new Blobs(this.objects, blobFolder);
    this.manifests = new Manifests(this.objects);
    this.checkpoints = new Checkpoints(this.objects, this.blobs);
    this.runs = new Runs(this.objects);
    this.outcomes = new SampleOutcomes(this.objects);
  }

  close(): void {
    this.objects.close();
  }
}
