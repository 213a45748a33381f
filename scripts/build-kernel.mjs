// Compiles the kernels from AssemblyScript to WebAssembly. Writes a module for each that contains it in base64.
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ROOT, run } from './run.mjs'

/** The folders that have a kernel, in `kernel/index.ts`. */
const FOLDERS = ['src/rsync', 'src/store/codecs']
const TIMEOUT_MS = 180_000

/** Compiles all kernels. */
export async function buildKernels() {
  await Promise.all(FOLDERS.map(buildKernel))
}

/**
 * Replaces the module atomically, and only if it has changed, because a test run watches it.
 *
 * @param {string} folder
 */
async function buildKernel(folder) {
  const source = `${folder}/kernel/index.ts`
  const directory = mkdtempSync(join(tmpdir(), 'combstream-'))
  try {
    const binary = join(directory, 'kernel.wasm')
    const options = ['-O3', '--converge', '--noAssert', '--runtime', 'stub', '--use', 'abort=', '--enable', 'simd']
    const command = ['node', 'node_modules/assemblyscript/bin/asc.js', source, '--outFile', binary, ...options]
    const { code, output } = await run(command, { timeoutMs: TIMEOUT_MS })
    if (code !== 0) throw new Error(`${source} cannot be compiled\n${output}`)
    const text = `// Made by scripts/build-kernel.mjs from ${source}.

/** The kernel as a WebAssembly module, in base64. */
export const KERNEL_BINARY: string =
  '${readFileSync(binary).toString('base64')}'
`
    const target = join(ROOT, folder, 'kernel-binary.ts')
    if (text === currentText(target)) return
    const next = `${target}.${process.pid}`
    writeFileSync(next, text)
    renameSync(next, target)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** @param {string} path */
function currentText(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
