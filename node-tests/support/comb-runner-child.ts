/**
 * A process that runs one command of `comb` after the other, as its parent asks (comb-runner.ts). It loads the bundle that a
 * user runs. For each command it connects to the parent three times: for standard input, output and error.
 *
 * Argument: the path of the parent's socket.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import process from 'node:process'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { CombRequest } from './comb-runner.ts'

const COMMAND = new URL('../../dist/cli/', import.meta.url)
const { runHiveCommand } = (await import(new URL('hive-main.js', COMMAND).href)) as {
  runHiveCommand(argv: readonly string[]): Promise<number>
}
const [node, , path] = process.argv as [string, string, string]
const { emitWarning, env } = process
/** The waits grow by a millisecond each: 45 s. */
const MOST_WAITS = 300

process.on('message', (request: CombRequest) => void run(request))
// What a command has left behind does not keep the process.
process.once('disconnect', () => process.exit())

async function run({ args, environment, cwd }: CombRequest): Promise<void> {
  const before = process.getActiveResourcesInfo()
  const stdin = await open('stdin')
  const outputs = [await open('stdout'), await open('stderr')]
  for (const name of Object.keys(env)) if (!(name in environment)) delete env[name]
  Object.assign(env, environment)
  process.chdir(cwd)
  const code = await runHiveCommand([node, fileURLToPath(new URL('main.js', COMMAND)), ...args])
  // Each command wraps it.
  process.emitWarning = emitWarning
  stdin.destroy()
  await Promise.all(outputs.map(endOutput))
  await leftNothing(before)
  process.send!(code)
}

/** Ends an output once all of it is in the hands of the system. */
async function endOutput(output: Socket): Promise<void> {
  if (!output.destroyed) await new Promise<void>((resolve) => output.end(resolve))
  output.destroy()
}

/**
 * Waits until nothing is left of a command that would keep a process of its own from ending. What fails meanwhile ends this
 * process, as it would that one.
 */
async function leftNothing(before: readonly string[]): Promise<void> {
  for (let waits = 0; ; waits++) {
    await setTimeout(waits)
    const left = process.getActiveResourcesInfo()
    for (const name of before) if (left.includes(name)) left.splice(left.indexOf(name), 1)
    if (left.length === 0) return
    if (waits === MOST_WAITS) throw new Error(`the command has left behind: ${left.join(', ')}`)
  }
}

/** Connects a standard stream. */
async function open(name: 'stdin' | 'stdout' | 'stderr'): Promise<Socket> {
  // Like a pipe, whose end is not noticed while nobody reads or writes.
  const socket = connect({ path, allowHalfOpen: true })
  await once(socket, 'connect')
  // Only the first command listens for errors of its log.
  if (name === 'stderr') socket.on('error', () => undefined)
  Object.defineProperty(process, name, { value: socket, configurable: true })
  return socket
}
