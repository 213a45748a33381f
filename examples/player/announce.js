import { byId } from './elements.js'

/**
 * Announces what has happened to people who use a screen reader; others see it where it happens.
 *
 * @param {string} text
 */
export function announce(text) {
  byId('announcer').textContent = text
}
