/** A damaged row counts as absent where its content is stored anew, and its digest then leads to the new stream. */
export function unlessDamaged<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if ((error as Error).name === 'IntegrityError') return undefined
    throw error
  }
}
