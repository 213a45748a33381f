/** @typedef {{ file: File, isFolder: boolean }} Dropped */

/**
 * Accepts files that are dropped anywhere on the page, and highlights an element while they are dragged.
 *
 * @param {HTMLElement} zone
 * @param {(dropped: Dropped[]) => void} onDrop
 */
export function acceptDrops(zone, onDrop) {
  /** @param {DragEvent} drag */
  const hasFiles = ({ dataTransfer }) => dataTransfer?.types.includes('Files') === true
  addEventListener('dragover', (drag) => {
    if (!hasFiles(drag)) return
    // Without this, the browser would leave the page and open the file.
    drag.preventDefault()
    zone.classList.add('over')
  })
  addEventListener('dragleave', (drag) => {
    if (drag.relatedTarget === null) zone.classList.remove('over')
  })
  addEventListener('drop', (drag) => {
    zone.classList.remove('over')
    if (!hasFiles(drag)) return
    drag.preventDefault()
    onDrop([...(drag.dataTransfer?.items ?? [])].flatMap(droppedOf))
  })
}

/**
 * @param {DataTransferItem} item
 * @returns {Dropped[]}
 */
function droppedOf(item) {
  const file = item.getAsFile()
  // Only this method, which every engine has, distinguishes a folder from a file.
  return file ? [{ file, isFolder: item.webkitGetAsEntry()?.isDirectory === true }] : []
}
