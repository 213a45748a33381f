/** Creates an error like those of the system, for failures that are detected before the system is asked. */
export function systemError(code: string, path: string, cause?: unknown): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${path}`, { cause }), { code, path })
}
