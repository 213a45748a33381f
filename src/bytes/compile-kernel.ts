/**
 * Compiles a WebAssembly module that is given in base64.
 *
 * @param purpose What needs it, in the plural, for the message of the error.
 * @throws {Error} if the host does not support WebAssembly SIMD, or a content security policy forbids WebAssembly.
 */
export async function compileKernel(base64: string, purpose: string): Promise<WebAssembly.Module> {
  try {
    const text = atob(base64)
    const binary = new Uint8Array(text.length)
    for (let i = 0; i < text.length; i++) binary[i] = text.charCodeAt(i)
    // Instantiate it as well: WebKit compiles code that a policy forbids, and fails only when it is instantiated.
    const { module } = await WebAssembly.instantiate(binary)
    return module
  } catch (cause) {
    const message =
      `${purpose} need WebAssembly with SIMD; ` +
      "where a content security policy is in force, its script-src must have 'wasm-unsafe-eval'"
    throw new Error(message, { cause })
  }
}
