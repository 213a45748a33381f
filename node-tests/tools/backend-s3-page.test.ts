import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'
import { expect, it, onTestFinished } from 'vitest'
import { allowPages } from '../support/start-ceph.ts'
import { newPrefix, objectGateway } from '../support/object-gateway.ts'
import { sharedPage } from '../support/shared-chromium.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** The script of the page: runs the cases for blocks, and returns what went wrong, and how many cases there were. */
const SCRIPT = `
import { memoryBackend } from './src/backends/memory.ts'
import { s3Blocks } from './src/backends/s3.ts'
import { backendCases } from './src/testing.ts'

globalThis.runCases = async (gateway, prefix) => {
  let made = 0
  const cases = backendCases(() => ({ ...memoryBackend(), ...s3Blocks({ ...gateway, prefix: prefix + '/' + made++ }) }))
  // But for the one that makes hundreds of lists.
  const ofBlocks = cases.filter(({ name }) => /^blocks: (?!names are listed)/.test(name))
  const problems = []
  for (const { name, run } of ofBlocks) await run().catch((error) => problems.push(name + ': ' + error))
  return { problems, count: ofBlocks.length }
}`

it('s3Blocks works in a page of another origin, with the CORS rules that the guide names', async () => {
  const gateway = await objectGateway()
  await allowPages(gateway)
  const stdin = { contents: SCRIPT, resolveDir: ROOT, loader: 'ts' } as const
  const { outputFiles } = buildSync({ stdin, bundle: true, format: 'esm', write: false, external: ['node:*'] })
  const script = outputFiles[0]!.text
  const server = createServer((request, response) => {
    const isScript = request.url === '/script.js'
    response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html')
    response.end(isScript ? script : '<!doctype html><script type="module" src="script.js"></script>')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())

  const page = await sharedPage()
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  const { endpoint, bucket, credentials } = gateway
  const result = await page.evaluate(
    ([options, prefix]) =>
      (globalThis as unknown as { runCases(...all: unknown[]): unknown }).runCases(options, prefix),
    [{ endpoint, bucket, credentials }, newPrefix()] as const,
  )
  expect(result).toEqual({ problems: [], count: expect.any(Number) })
  expect((result as { count: number }).count).toBeGreaterThan(5)
})
