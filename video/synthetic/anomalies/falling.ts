import { timeAway, type AnomalyMoment } from '../moment.js';
import { drawPerson } from '../sprites.js';

/** Someone walks, collapses, lies still, gets up and walks on. */
export function falling(moment: AnomalyMoment): void {
  const { canvas, layout, active, frame } = moment;
  const x = layout.x + 40 * layout.direction * timeAway(moment);
  drawPerson(canvas, x, layout.walkGround, layout.colours[0], active ? 'lie' : 'walk', Math.floor(frame / 2));
}
