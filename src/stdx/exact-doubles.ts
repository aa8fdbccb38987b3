// What arithmetic on doubles does exactly: powers of two, and the rounding error of a product.

const view = new DataView(new ArrayBuffer(8));

/** 2 to a whole number from -1022 to 1023. */
export function twoTo(exponent: number): number {
  view.setInt32(0, (exponent + 1023) << 20);
  view.setInt32(4, 0);
  return view.getFloat64(0);
}

/** 2^27 + 1: splits a double into halves whose products are exact (Veltkamp). */
const SPLITTER = 134_217_729;

/** The rounding error of the product: a * b - product, exactly (Dekker, 1971). */
export function productError(a: number, b: number, product: number): number {
  const scaledA = SPLITTER * a;
  const highA = scaledA - (scaledA - a);
  const lowA = a - highA;
  const scaledB = SPLITTER * b;
  const highB = scaledB - (scaledB - b);
  const lowB = b - highB;
  return lowA * lowB - (product - highA * highB - lowA * highB - highA * lowB);
}
