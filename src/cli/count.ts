/** A number and what it counts, in the plural unless it is one: `3 blocks`. */
export function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}
