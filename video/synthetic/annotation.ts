import type { Split } from '../../config/dataset.js';
import { anomalyFrames, type Anomaly, type AnomalyKind, type SceneProgramme } from './programme.js';
import { CLIP_FPS } from './world.js';

/**
 * One line of the annotation file, in the project's own format. Normal clips have a label only; so have all clips of the
 * `rl` split, which is labelled weakly, unless its spans are asked for.
 */
export interface SceneAnnotation {
  /** Relative to the annotation file. */
  readonly path: string;
  readonly split: Split;
  readonly label: 'Normal' | 'Abnormal';
  readonly category?: AnomalyKind;
  /** Start and end in seconds: from the first frame that shows the anomaly to the end of the last one. */
  readonly spans?: readonly (readonly [number, number])[];
  readonly place?: string;
  /** One sentence about the anomaly. */
  readonly description?: string;
}

const thirds = ['on the left', 'in the centre', 'on the right'] as const;

function placeOf({ third, lane }: SceneProgramme, { kind }: Anomaly): string {
  if (kind !== 'Wrong-Way Driving') return thirds[third];
  return lane === 0 ? 'in the upper lane' : 'in the lower lane';
}

function describe(programme: SceneProgramme, { kind }: Anomaly): string {
  const { setting, actors } = programme;
  switch (kind) {
    case 'Fire':
      return `Flames and smoke rise in the ${setting}.`;
    case 'Explosion':
      return `A bright blast lights up the ${setting} and leaves smoke behind.`;
    case 'Falling':
      return `A person in ${actors[0]} collapses, lies on the ground and gets up again.`;
    case 'Fighting':
      return `A person in ${actors[0]} and a person in ${actors[1]} push and hit each other.`;
    case 'Wrong-Way Driving':
      return `A ${actors[0]} car drives against the direction of its lane.`;
    case 'Traffic Accidents':
      return `A ${actors[0]} car and a ${actors[1]} car collide and stop under sparks and smoke.`;
    case 'Falling Objects':
      return `A box drops from above and breaks to pieces on the ground.`;
    case 'Obstacles on Road':
      return `A heap of striped debris lies in the lane.`;
  }
}

/** The annotation of a clip, as a person who knows its programme would write it. */
export function annotateScene(
  programme: SceneProgramme,
  path: string,
  split: Split,
  { rlSpans = false }: { readonly rlSpans?: boolean } = {},
): SceneAnnotation {
  const { anomaly } = programme;
  const label = anomaly === null ? 'Normal' : 'Abnormal';
  const frames = anomalyFrames(programme);
  if (anomaly === null || frames === null) return { path, split, label };
  const spans: SceneAnnotation['spans'] = [[frames[0] / CLIP_FPS, frames[1] / CLIP_FPS]];
  if (split === 'rl') return rlSpans ? { path, split, label, spans } : { path, split, label };
  return {
    path,
    split,
    label,
    category: anomaly.kind,
    spans,
    place: placeOf(programme, anomaly),
    description: describe(programme, anomaly),
  };
}
