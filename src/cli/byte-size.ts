import { UsageError } from './usage-error.ts'

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']

/** Formats a number of bytes for people, with about three digits and a decimal unit: `1.23 MB`. */
export function formatBytes(bytes: number): string {
  let unit = 0
  let value = bytes
  // 999.5 would be rounded to 1000.
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000
    unit++
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2
  return `${value.toFixed(digits)} ${UNITS[unit]}`
}

/**
 * Reads a number of bytes with a decimal unit, such as `500MB` or `1.5 GB`.
 *
 * @throws {UsageError} if it is something else, or more than 2^53 - 1 bytes.
 */
export function parseBytes(text: string): number {
  const [, digits, unit = 'B'] = /^(\d{1,16}(?:\.\d{1,3})?) ?([kMGTP]?B)?$/i.exec(text) ?? []
  const power = UNITS.findIndex((each) => each.toLowerCase() === unit.toLowerCase())
  const bytes = Math.round(Number(digits) * 1000 ** power)
  if (digits !== undefined && Number.isSafeInteger(bytes)) return bytes
  throw new UsageError(`a number of bytes must be like 500MB or 10GB, got ${text}`)
}
