import { mediaUrl } from '/combstream/page.js'
import { byId } from './elements.js'
import { formatBytes } from './format.js'

/** @import { EntryInfo } from './types.ts' */

/** The entries of the hive: media are played, of the rest there is a link. */
export class EntryList {
  #onPlay

  /** @param {(entry: EntryInfo) => void} onPlay */
  constructor(onPlay) {
    this.#onPlay = onPlay
  }

  /**
   * Shows the entries.
   *
   * @param {EntryInfo[]} entries
   * @param {string} hiveUrl
   */
  show(entries, hiveUrl) {
    const body = byId('entries')
    const text = JSON.stringify(entries)
    // Rows that stay the same must not be replaced: one of them may have the focus.
    if (body.dataset['entries'] === text) return
    body.dataset['entries'] = text
    const focused = document.activeElement?.textContent
    body.replaceChildren(...entries.map((entry) => this.#row(entry, hiveUrl)))
    for (const name of body.querySelectorAll('button, a')) {
      if (name instanceof HTMLElement && name.textContent === focused) name.focus()
    }
  }

  /**
   * @param {EntryInfo} entry
   * @param {string} hiveUrl
   */
  #row(entry, hiveUrl) {
    const row = document.createElement('tr')
    const name = document.createElement('th')
    name.scope = 'row'
    name.append(isMedia(entry) ? this.#playButton(entry) : link(entry, hiveUrl))
    const size = document.createElement('td')
    size.className = 'number'
    size.textContent = formatBytes(entry.size)
    size.title = `${entry.size} bytes`
    const etag = document.createElement('td')
    const code = document.createElement('code')
    code.textContent = `${entry.etag.slice(1, 9)}…`
    code.title = entry.etag
    etag.append(code)
    row.append(name, size, etag)
    return row
  }

  /** @param {EntryInfo} entry */
  #playButton(entry) {
    const button = document.createElement('button')
    button.type = 'button'
    button.className = 'play'
    button.textContent = entry.alias
    button.addEventListener('click', () => this.#onPlay(entry))
    return button
  }
}

/**
 * Whether a browser is likely to play an entry.
 *
 * @param {EntryInfo} entry
 */
export function isMedia({ type }) {
  return /^(video|audio)\//.test(type)
}

/**
 * @param {EntryInfo} entry
 * @param {string} hiveUrl
 */
function link(entry, hiveUrl) {
  const anchor = document.createElement('a')
  anchor.href = mediaUrl(hiveUrl, entry)
  anchor.textContent = entry.alias
  return anchor
}
