/** An error as the system makes it, for what is found out before the system is asked. */
export function systemError(code: string, path: string, cause?: unknown): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${path}`, { cause }), { code, path })
}
