/**
 * The suite that every backend passes. It works with any test runner: each case is a name and a function that rejects
 * if the backend is wrong.
 *
 * @example
 * ```ts
 * import { memoryBackend } from 'combstream/backends/memory'
 * import { backendCases } from 'combstream/testing'
 *
 * for (const { name, run } of backendCases(() => memoryBackend())) {
 *   await run()
 * }
 * ```
 *
 * @module
 */
export { type BackendCase, backendCases, type BackendCasesOptions } from './testing/backend-cases.ts'
