/** Bytes of an element of each type that tensors are stored in; in memory everything is float32. */
export const ELEMENT_BYTES = { F32: 4, BF16: 2, F16: 2 } as const;

/** How safetensors spells the types that can be read and written. */
export type ElementType = keyof typeof ELEMENT_BYTES;

const EXPONENT = 0x7f800000;
const LOWEST_EXPONENT_BIT = 0x00800000;

/**
 * Where stored elements are read to, to be widened in place: the last bytes of their float32 values. (Typed arrays
 * have the machine's byte order; safetensors, and every machine that TensorFlow is built for, is little-endian.)
 */
export function storedBytes(type: ElementType, values: Float32Array): Uint8Array {
  const bytes = ELEMENT_BYTES[type] * values.length;
  return new Uint8Array(values.buffer, values.byteOffset + values.byteLength - bytes, bytes);
}

/**
 * Turns elements that lie in {@link storedBytes} into the float32 values around them. An element is always read before
 * its bytes are written over, since values grow towards the end where the elements lie.
 *
 * @returns whether all values are finite
 */
export function widenInPlace(type: ElementType, values: Float32Array): boolean {
  const count = values.length;
  const bits = new Int32Array(values.buffer, values.byteOffset, count);
  if (type === 'F32') return areFinite(bits);
  const halves = new Uint16Array(values.buffer, values.byteOffset + 2 * count, count);
  // An exponent of ones, and nothing else, carries into the sign bit.
  let carry = 0;
  if (type === 'BF16') {
    for (let i = 0; i < count; i++) {
      const wide = halves[i]! << 16;
      bits[i] = wide;
      carry |= (wide & EXPONENT) + LOWEST_EXPONENT_BIT;
    }
  } else {
    const table = float16Table();
    for (let i = 0; i < count; i++) {
      const wide = table[halves[i]!]!;
      bits[i] = wide;
      carry |= (wide & EXPONENT) + LOWEST_EXPONENT_BIT;
    }
  }
  return carry >= 0;
}

/** Whether float32 values, given as their bits, are all finite. */
export function areFinite(bits: Int32Array): boolean {
  let carry = 0;
  for (let i = 0; i < bits.length; i++) carry |= (bits[i]! & EXPONENT) + LOWEST_EXPONENT_BIT;
  return carry >= 0;
}

let widened: Int32Array | undefined;

/** float32 bits of every float16. */
function float16Table(): Int32Array {
  if (widened !== undefined) return widened;
  const values = new Float32Array(0x10000);
  for (let half = 0; half < values.length; half++) {
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0) values[half] = sign * fraction * 2 ** -24;
    else if (exponent === 31) values[half] = fraction === 0 ? sign * Infinity : NaN;
    else values[half] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return (widened = new Int32Array(values.buffer));
}

/** Elements as they are stored, rounded to the nearest value and, between two, to the even one. */
export function narrow(type: ElementType, values: Float32Array): Uint8Array {
  if (type === 'F32') return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  const round = type === 'BF16' ? bfloat16 : float16;
  for (let i = 0; i < halves.length; i++) halves[i] = round(bits[i]!);
  return new Uint8Array(halves.buffer);
}

/** Float32 bits to bfloat16 bits. */
function bfloat16(bits: number): number {
  if ((bits & 0x7fffffff) > EXPONENT) return (bits >>> 16) | 0x40;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

/** Float32 bits to float16 bits. */
function float16(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > EXPONENT) return sign | 0x7e00;
  // 65520, half-way between the largest float16 and the one that would follow.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude >= 0x38800000) {
    return sign | ((magnitude + 0xfff + ((magnitude >>> 13) & 1) - 0x38000000) >>> 13);
  }
  // Below 2^-14 float16 counts in steps of 2^-24; below half a step nothing is left.
  if (magnitude < 0x33000000) return sign;
  const shift = 126 - (magnitude >>> 23);
  const mantissa = (magnitude & 0x7fffff) | 0x800000;
  const whole = mantissa >>> shift;
  const rest = mantissa & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  return sign | (whole + (rest > half || (rest === half && whole % 2 === 1) ? 1 : 0));
}
