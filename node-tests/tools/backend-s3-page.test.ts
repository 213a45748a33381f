import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'
import { expect, it, onTestFinished } from 'vitest'
import { type EngineName, ENGINES, openEnginePage } from '../support/engine-page.ts'
import { allowPages } from '../support/start-ceph.ts'
import { newPrefix, objectGateway } from '../support/object-gateway.ts'
import { wholeOr } from '../support/sample.ts'
import { sharedChromium } from '../support/shared-chromium.ts'

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

/** The other engines start for this alone. Against fake answers, `npm test` runs the same cases in all of them. */
const NAMES = wholeOr<readonly EngineName[]>(['chromium', 'firefox', 'webkit'], ['chromium'])

interface Outcome {
  readonly problems: readonly string[]
  readonly count: number
}

it.each(NAMES.filter((name) => existsSync(ENGINES[name])))(
  's3Blocks works in a page of another origin, with the CORS rules that the guide names, in %s',
  async (name) => {
    const gateway = await objectGateway()
    await allowPages(gateway)
    const page = await openEnginePage(name, await servePage(), name === 'chromium' ? await sharedChromium() : undefined)
    onTestFinished(() => page.close())
    const { endpoint, bucket, credentials } = gateway
    const { problems, count } = await page.evaluate(
      (options, prefix) =>
        (globalThis as unknown as { runCases(...all: unknown[]): Promise<Outcome> }).runCases(options, prefix),
      { endpoint, bucket, credentials },
      newPrefix(),
    )
    expect(problems).toEqual([])
    expect(count).toBeGreaterThan(5)
  },
)

/** Serves a page with the script, and returns its URL. */
async function servePage(): Promise<string> {
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
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}
