const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB']

/**
 * Formats a number of bytes for people: `744 kB`.
 *
 * @param {number} bytes
 */
export function formatBytes(bytes) {
  if (bytes === 1) return '1 byte'
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit === 0 || value >= 99.95 ? value.toFixed(0) : value.toFixed(1)} ${UNITS[unit]}`
}

/**
 * Formats a share for people: `0.5 %`.
 *
 * @param {number} share 0 to 1
 */
export function formatShare(share) {
  const percent = share * 100
  return `${percent >= 9.95 ? percent.toFixed(0) : percent.toFixed(percent >= 0.1 ? 1 : 2)} %`
}

/**
 * Formats a time in a video: `1:07`, `1:48:00`.
 *
 * @param {number} seconds
 */
export function formatTime(seconds) {
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, Math.floor(seconds) % 60]
  const [first, ...others] = parts[0] === 0 ? parts.slice(1) : parts
  return [first, ...others.map((part) => String(part).padStart(2, '0'))].join(':')
}

/**
 * Shortens a name to fit on a line, keeping its start and its end: `a-very-long-na…holiday.mp4`.
 *
 * @param {string} name
 * @param {number} length number of characters to keep
 */
export function shorten(name, length) {
  const characters = Array.from(new Intl.Segmenter().segment(name), ({ segment }) => segment)
  if (characters.length <= length) return name
  const end = Math.floor(length / 3)
  return `${characters.slice(0, length - end - 1).join('')}…${characters.slice(-end).join('')}`
}

/**
 * Formats a count: `1 file`, `1,500 files`.
 *
 * @param {number} count
 * @param {string} one
 * @param {string} many
 */
export function formatCount(count, one, many) {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`
}
