/** The object stores of a database; docs/formats.md describes them. */
export const ROWS = 'rows'
export const BLOCKS = 'blocks'
export const SIZES = 'sizes'
export const COUNTERS = 'counters'
