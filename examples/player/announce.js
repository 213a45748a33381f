import { byId } from './elements.js'

/**
 * Tells people who use a screen reader what has happened; others see it where it has happened.
 *
 * @param {string} text
 */
export function announce(text) {
  byId('announcer').textContent = text
}
