const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB']

/**
 * A number of bytes for people: `744 kB`.
 *
 * @param {number} bytes
 */
export function formatBytes(bytes) {
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit === 0 || value >= 99.95 ? value.toFixed(0) : value.toFixed(1)} ${UNITS[unit]}`
}

/**
 * A share for people: `0.5 %`.
 *
 * @param {number} share 0 to 1
 */
export function formatShare(share) {
  const percent = share * 100
  return `${percent >= 9.95 ? percent.toFixed(0) : percent.toFixed(percent >= 0.1 ? 1 : 2)} %`
}

/**
 * A time in a video: `1:07`.
 *
 * @param {number} seconds
 */
export function formatTime(seconds) {
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`
}

/**
 * What went wrong, for people. Every error of combstream has a message that says it; the network's own do not.
 *
 * @param {unknown} error
 */
export function formatError(error) {
  const { name, message } = /** @type {Error} */ (error)
  if (name === 'ConflictError') return `Somebody else has changed the entry meanwhile; nothing was stored. (${message})`
  if (name === 'BackendError') return `The hive does not answer. (${message})`
  return message
}
