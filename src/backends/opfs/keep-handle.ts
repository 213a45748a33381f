/** What is used by calls under way. */
const inUse = new Set<{ readonly handle: FileSystemHandle }>()

/**
 * Waits for the answer to a call of a handle, and keeps the handle until then: in Chromium 156, the promise of a call never
 * settles if its handle has become garbage meanwhile.
 */
export async function keepHandle<T>(handle: FileSystemHandle, call: Promise<T>): Promise<T> {
  const use = { handle }
  inUse.add(use)
  try {
    return await call
  } finally {
    inUse.delete(use)
  }
}
