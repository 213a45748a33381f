// Runs cases of the suite of backends with blocks in an object gateway, and prints those that fail, and how many do not.
// Arguments: the gateway, a prefix, and the numbers of the cases.
import process from 'node:process'
import { memoryBackend } from '../../src/backends/memory.ts'
import { s3Blocks } from '../../src/backends/s3.ts'
import { backendCases } from '../../src/testing.ts'

const [gateway, prefix, numbers] = process.argv.slice(2) as [string, string, string]
let made = 0
const cases = backendCases(() => {
  const { blocks, limits, close } = s3Blocks({ ...JSON.parse(gateway), prefix: `${prefix}/${made++}` })
  const rows = memoryBackend()
  return { ...rows, blocks, limits: limits!, close: async () => void (await Promise.all([rows.close(), close()])) }
})
let passed = 0
for (const { name, run } of numbers.split(',').map((number) => cases[Number(number)]!)) {
  try {
    await run()
    passed++
  } catch (error) {
    process.stdout.write(`${name}: ${String(error)}\n`)
  }
}
process.stdout.write(`${passed} passed\n`)
process.exit()
