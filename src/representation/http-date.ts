const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

const IMF_FIXDATE = /^[A-Z][a-z]{2}, (?<day>\d\d) (?<month>[A-Z][a-z]{2}) (?<year>\d{4}) (?<time>\d\d:\d\d:\d\d) GMT$/
const RFC_850 = /^[A-Z][a-z]+, (?<day>\d\d)-(?<month>[A-Z][a-z]{2})-(?<year>\d\d) (?<time>\d\d:\d\d:\d\d) GMT$/
const ASCTIME = /^[A-Z][a-z]{2} (?<month>[A-Z][a-z]{2}) (?<day>[ \d]\d) (?<time>\d\d:\d\d:\d\d) (?<year>\d{4})$/

const HALF_CENTURY = 50

/**
 * The Last-Modified of a version: its time, rounded up to a second, because an earlier date could stand for an older
 * version too. It is at most the second of `asOfMs`, when the version was still current, because another version may
 * come before the next second begins.
 */
export function lastModified(modified: Date, asOfMs: number): string {
  const seconds = Math.min(Math.ceil(modified.getTime() / 1000), Math.floor(asOfMs / 1000))
  return new Date(seconds * 1000).toUTCString()
}

/**
 * Reads an HTTP date (RFC 9110, section 5.6.7) in any of its three formats; undefined if the text is not one.
 * `Date.parse` does not do: it reads asctime as local time, and accepts much that is not an HTTP date.
 *
 * @returns milliseconds since 1970.
 */
export function parseHttpDate(text: string): number | undefined {
  const fields = (IMF_FIXDATE.exec(text) ?? RFC_850.exec(text) ?? ASCTIME.exec(text))?.groups
  if (!fields) return undefined
  const month = MONTHS.indexOf(fields['month']!)
  const [hours, minutes, seconds] = fields['time']!.split(':').map(Number) as [number, number, number]
  if (month < 0 || hours > 23 || minutes > 59 || seconds > 60) return undefined
  const day = Number(fields['day'])
  const time = Date.UTC(fullYear(fields['year']!), month, day, hours, minutes, seconds)
  return new Date(time - seconds * 1000).getUTCDate() === day ? time : undefined
}

/** A two-digit year that seems to be more than 50 years ahead belongs to the past century. */
function fullYear(digits: string): number {
  const year = Number(digits)
  if (digits.length === 4) return year
  const thisYear = new Date().getUTCFullYear()
  const guess = thisYear - (thisYear % 100) + year
  return guess > thisYear + HALF_CENTURY ? guess - 100 : guess
}
