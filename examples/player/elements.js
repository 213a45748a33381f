/**
 * The element of the page with this id; if it is missing, that is a bug in the page.
 *
 * @param {string} id
 */
export function byId(id) {
  const element = document.getElementById(id)
  if (!element) throw new Error(`the page has no element #${id}`)
  return element
}

/**
 * The element with this id, which must be of this class.
 *
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
export function typedById(id, type) {
  const element = byId(id)
  if (!(element instanceof type)) throw new Error(`#${id} is not a ${type.name}`)
  return element
}
