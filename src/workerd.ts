/**
 * For workerd, the runtime of Cloudflare Workers. It compiles WebAssembly only while a worker starts, so what this package
 * needs is compiled then.
 *
 * @module
 */
import { createSha256 } from './bytes/sha256.ts'
import { loadKernel } from './rsync/kernel.ts'
import { loadChecksum } from './store/checksums.ts'
import { loadLz4 } from './store/codecs/lz4.ts'

export * from './errors.ts'

/**
 * Compiles all WebAssembly of this package. Await it at the top level of the worker's module: there, workerd compiles what
 * is compiled synchronously, from the compatibility date 2025-06-01 on, or with the flag `allow_eval_during_startup`. It
 * takes some 5 ms. Without it, signatures, deltas, stores, and SHA-256 without `nodejs_compat` fail in workerd.
 *
 * While it runs, `WebAssembly.compile` and `WebAssembly.instantiate` compile synchronously.
 *
 * @throws {Error} if the host does not allow WebAssembly to be compiled, as workerd in a request.
 *
 * @example
 * ```ts
 * import { createHiveHandler, LocalHive, StreamStore } from 'combstream'
 * import { memoryBackend } from 'combstream/backends/memory'
 * import { compileAtStartup } from 'combstream/workerd'
 *
 * await compileAtStartup()
 * const handler = createHiveHandler(new LocalHive(new StreamStore(memoryBackend())))
 * const worker = { fetch: (request: Request) => handler(request) } // which the module exports as its default
 * console.assert((await worker.fetch(new Request('https://example.org/missing'))).status === 404)
 * ```
 */
export async function compileAtStartup(): Promise<void> {
  const { compile, instantiate } = WebAssembly
  WebAssembly.compile = async (bytes) => new WebAssembly.Module(bytes)
  WebAssembly.instantiate = instantiateNow as typeof instantiate
  try {
    await Promise.all([loadKernel(), loadLz4(), loadChecksum(), createSha256()])
  } finally {
    Object.assign(WebAssembly, { compile, instantiate })
  }
}

async function instantiateNow(
  source: BufferSource | WebAssembly.Module,
  imports?: WebAssembly.Imports,
): Promise<WebAssembly.Instance | WebAssembly.WebAssemblyInstantiatedSource> {
  if (source instanceof WebAssembly.Module) return new WebAssembly.Instance(source, imports)
  const module = new WebAssembly.Module(source)
  return { module, instance: new WebAssembly.Instance(module, imports) }
}
