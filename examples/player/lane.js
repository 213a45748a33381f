/**
 * Draws ranges on a lane that represents the whole.
 *
 * @param {HTMLElement} lane
 * @param {Iterable<{ start: number, end: number }>} ranges
 * @param {number} whole
 */
export function drawLane(lane, ranges, whole) {
  const pieces = Array.from(ranges, ({ start, end }) => {
    const piece = document.createElement('i')
    piece.style.left = `${(start / whole) * 100}%`
    piece.style.width = `${((end - start) / whole) * 100}%`
    return piece
  })
  lane.replaceChildren(...pieces)
}
