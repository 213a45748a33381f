import { byId, typedById } from './elements.js'
import { EntryRow } from './entry-row.js'
import { formatBytes, formatCount } from './format.js'

/** @import { ListedEntry } from './types.ts' */
/** @import { EntryActions } from './entry-row.js' */

/** With fewer entries than this, no search field is needed. */
const MIN_FILTERED = 9

/** The list of entries: media can be played, the rest are links. */
export class EntryList {
  #hiveUrl
  #actions
  #filter = typedById('filter', HTMLInputElement)
  /** @type {Map<string, EntryRow>} */
  #rows = new Map()
  /** @type {ListedEntry[]} */
  #entries = []
  /** @type {string | undefined} */
  #playing

  /**
   * @param {string} hiveUrl
   * @param {EntryActions} actions
   */
  constructor(hiveUrl, actions) {
    this.#hiveUrl = hiveUrl
    this.#actions = actions
    this.#filter.addEventListener('input', () => this.#applyFilter())
  }

  /**
   * Shows the entries. Existing rows are reused, so scrolling, focus and selection are kept.
   *
   * @param {ListedEntry[]} entries
   */
  show(entries) {
    const rows = new Map(entries.map((entry) => [entry.alias, this.#rowOf(entry)]))
    for (const [alias, row] of this.#rows) if (!rows.has(alias)) row.dispose()
    const body = byId('entries')
    let next = body.firstElementChild
    for (const { element } of rows.values()) {
      if (element === next) next = next.nextElementSibling
      else body.insertBefore(element, next)
    }
    this.#rows = rows
    this.#entries = entries
    this.#applyFilter()
  }

  /** @param {string} alias */
  markPlaying(alias) {
    if (this.#playing !== undefined) this.#rows.get(this.#playing)?.mark(false)
    this.#playing = alias
    this.#rows.get(alias)?.mark(true)
  }

  /**
   * Puts the focus on an entry, if it can be seen.
   *
   * @param {string} alias
   */
  focus(alias) {
    this.#rows.get(alias)?.focus()
  }

  /** @param {ListedEntry} entry */
  #rowOf(entry) {
    const shown = this.#rows.get(entry.alias)
    shown?.update(entry)
    const row = shown ?? new EntryRow(entry, this.#hiveUrl, this.#actions)
    row.mark(entry.alias === this.#playing)
    return row
  }

  #applyFilter() {
    const wanted = this.#filter.value.trim().toLowerCase()
    let found = 0
    for (const [alias, { element }] of this.#rows) {
      element.hidden = !alias.toLowerCase().includes(wanted)
      if (!element.hidden) found++
    }
    const total = this.#entries.length
    this.#filter.hidden = total < MIN_FILTERED && wanted === ''
    byId('entry-table').hidden = found === 0
    byId('entry-count').textContent =
      wanted === ''
        ? `${formatCount(total, 'entry', 'entries')}, ${formatBytes(this.#entries.reduce((sum, { size }) => sum + size, 0))}`
        : `${found.toLocaleString('en')} of ${formatCount(total, 'entry', 'entries')}`
    byId('no-entries').textContent =
      found > 0 ? '' : total === 0 ? 'The hive is empty. Drop a file below to store it.' : 'No entry matches.'
  }
}
