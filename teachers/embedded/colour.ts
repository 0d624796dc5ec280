/** Colour names that captions use. */
export const colourNames = [
  'black',
  'grey',
  'white',
  'red',
  'brown',
  'orange',
  'yellow',
  'green',
  'blue',
  'purple',
] as const;
export type ColourName = (typeof colourNames)[number];

/** Name of a colour, channels 0 to 255. Weak tints count as grey: light at night has a cast. */
export function nameColour(red: number, green: number, blue: number): ColourName {
  const most = Math.max(red, green, blue);
  const spread = most - Math.min(red, green, blue);
  if (most < 50) return 'black';
  if (spread / most < 0.27) return most < 60 ? 'black' : most > 195 ? 'white' : 'grey';
  let hue =
    most === red
      ? (green - blue) / spread
      : most === green
        ? 2 + (blue - red) / spread
        : 4 + (red - green) / spread;
  hue = (hue * 60 + 360) % 360;
  if (hue < 18 || hue >= 340) return 'red';
  if (hue < 45) return most < 165 ? 'brown' : 'orange';
  if (hue < 70) return 'yellow';
  if (hue < 165) return 'green';
  return hue < 262 ? 'blue' : 'purple';
}
