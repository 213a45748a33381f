// The bench inside Node, Deno and Bun. It takes a plan as its argument and prints messages, one per line.
import { readFile } from 'node:fs/promises'
import process from 'node:process'
import { carryOut, type Plan } from './host.ts'

await carryOut(
  JSON.parse(process.argv[2]!) as Plan,
  (path) => readFile(path),
  async (message) => console.log(JSON.stringify(message)),
)
