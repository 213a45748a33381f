/** The middle one of some numbers, the lower of the two if they are even in number. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[(values.length - 1) >> 1]!
}
