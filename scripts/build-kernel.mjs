// Compiles the kernel of src/rsync/kernel/, which is AssemblyScript, to WebAssembly, and writes a module with it in base64.
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ROOT, run } from './run.mjs'

const SOURCE = 'src/rsync/kernel/index.ts'
const TARGET = 'src/rsync/kernel-binary.ts'
const TIMEOUT_MS = 180_000

const HEADER = `// Made by scripts/build-kernel.mjs from ${SOURCE}.

/** The kernel as a WebAssembly module, in base64. */
`

/** Replaces the module atomically, and only if it has changed, because a test run watches it. */
export async function buildKernel() {
  const directory = mkdtempSync(join(tmpdir(), 'combstream-'))
  try {
    const binary = join(directory, 'kernel.wasm')
    const options = ['-O3', '--converge', '--noAssert', '--runtime', 'stub', '--use', 'abort=', '--enable', 'simd']
    const command = ['node', 'node_modules/assemblyscript/bin/asc.js', SOURCE, '--outFile', binary, ...options]
    const { code, output } = await run(command, { timeoutMs: TIMEOUT_MS })
    if (code !== 0) throw new Error(`the kernel cannot be compiled\n${output}`)
    const text = `${HEADER}export const KERNEL_BINARY: string =\n  '${readFileSync(binary).toString('base64')}'\n`
    const target = join(ROOT, TARGET)
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
