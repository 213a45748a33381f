/** A short piece of a long whole would be invisible otherwise. */
const LEAST_PX = 2

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
    piece.style.left = `min(${(start / whole) * 100}%, calc(100% - ${LEAST_PX}px))`
    piece.style.width = `max(${((end - start) / whole) * 100}%, ${LEAST_PX}px)`
    return piece
  })
  lane.replaceChildren(...pieces)
}
