// Stands in for vitest in workerd, whose own pool for vitest needs another version of it: what the portable tests use of it.
import { type Dealt, takeDealt } from '../support/sample.ts'
import { whyLeftOut } from './differences.ts'
import { expect as expectation } from './expect.ts'

/** What a test came to. */
export interface Result {
  readonly file: string
  readonly name: string
  readonly status: 'passed' | 'failed' | 'skipped'
  readonly message?: string | undefined
  readonly meta?: { readonly dealt: Dealt[] }
}

type Step = (...row: never[]) => unknown

/** A test or a group, as it was written down. */
interface Written {
  readonly name: string
  readonly kind: 'test' | 'group'
  readonly run: () => unknown
}

interface Group {
  readonly name: string
  readonly entries: Written[]
  readonly hooks: Record<'beforeAll' | 'beforeEach' | 'afterEach' | 'afterAll', Step[]>
  readonly parent: Group | undefined
}

class Skip extends Error {}

const TEST_TIMEOUT_MS = 60_000

const files: Group[] = []
let current: Group | undefined
/** The file whose tests are written down or run. */
let running = ''
/** What the set-up provides; the bundler puts it here. */
declare const PROVIDED: Readonly<Record<string, unknown>>

/** Vitest's, as far as tests use it. */
export const expect = Object.assign(expectation, { getState: () => ({ testPath: running }) })

function newGroup(name: string, parent?: Group): Group {
  return { name, entries: [], parent, hooks: { beforeAll: [], beforeEach: [], afterEach: [], afterAll: [] } }
}

/** What is written down from here on belongs to this file. */
export function beginFile(name: string): void {
  running = name
  current = newGroup(name)
  files.push(current)
}

/** Names of the files. */
export function fileNames(): string[] {
  return files.map(({ name }) => name)
}

/** Runs the tests of a file, one after the other. */
export async function runFile(name: string): Promise<Result[]> {
  const results: Result[] = []
  running = name
  const file = files.find((found) => found.name === name)!
  // What was dealt while the files were loaded is told with the first test that runs, and that of a skipped test is not told.
  const dealt = takeDealt()
  await runGroup(file, (title, status, message) => {
    const ran = takeDealt()
    if (status !== 'skipped') dealt.push(...ran)
    const meta = status === 'skipped' ? undefined : { dealt: dealt.splice(0) }
    results.push({ file: name, name: title, status, message, ...(meta && { meta }) })
  })
  return results
}

type Note = (name: string, status: Result['status'], message?: string) => void

async function runGroup(group: Group, note: Note): Promise<void> {
  try {
    for (const hook of group.hooks.beforeAll) await hook()
  } catch (error) {
    return note(group.name, 'failed', String((error as Error).stack))
  }
  for (const { name, kind, run } of group.entries) {
    if (kind === 'group') {
      const inner = newGroup(name, group)
      current = inner
      try {
        await run()
      } catch (error) {
        note(name, 'failed', String((error as Error).stack))
      }
      await runGroup(inner, note)
    } else {
      await runTest(group, name, run, note)
    }
  }
  for (const hook of group.hooks.afterAll) await hook()
  return undefined
}

async function runTest(group: Group, name: string, run: () => unknown, note: Note): Promise<void> {
  const groups: Group[] = []
  for (let at: Group | undefined = group; at; at = at.parent) groups.unshift(at)
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`took more than ${TEST_TIMEOUT_MS} ms`)), TEST_TIMEOUT_MS)
  })
  const title = [...groups.slice(1).map((found) => found.name), name].join(' > ')
  const reason = whyLeftOut(groups[0]!.name.split('/').at(-1)!, title)
  if (reason !== undefined) {
    clearTimeout(timer)
    return note(title, 'skipped', reason)
  }
  try {
    for (const { hooks } of groups) for (const hook of hooks.beforeEach) await hook()
    await Promise.race([run(), late])
    note(title, 'passed')
  } catch (error) {
    if (error instanceof Skip) note(title, 'skipped', error.message)
    else note(title, 'failed', String((error as Error).stack))
  } finally {
    clearTimeout(timer)
    for (const step of finishing.splice(0)) await step()
    for (const { hooks } of groups) for (const hook of hooks.afterEach) await hook()
    vi.unstubAllGlobals()
  }
  return undefined
}

function write(kind: Written['kind'], name: string, run: () => unknown): void {
  current!.entries.push({ name, kind, run })
}

type Options = number | { readonly timeout?: number }
type Declare = (name: string, first: Step | Options, second?: Step | Options) => void

interface Api extends Declare {
  each(rows: readonly unknown[]): Declare
  skipIf(condition: unknown): Declare
  runIf(condition: unknown): Declare
}

function apiOf(kind: Written['kind']): Api {
  const stepOf = (first: Step | Options, second?: Step | Options): Step =>
    (typeof first === 'function' ? first : second) as Step
  const declare: Declare = (name, first, second) => {
    const step = stepOf(first, second)
    write(kind, name, () => step(...([{}] as never[])))
  }
  const skip: Declare = (name) => {
    if (kind === 'test') write(kind, name, () => Promise.reject(new Skip('not in this host')))
  }
  return Object.assign(declare, {
    each:
      (rows: readonly unknown[]): Declare =>
      (name, first, second) => {
        const step = stepOf(first, second)
        for (const [index, row] of rows.entries()) {
          const values = Array.isArray(row) ? (row as unknown[]) : [row]
          write(kind, titleOf(name, values, index), () => step(...(values as never[])))
        }
      },
    skipIf: (condition: unknown) => (condition ? skip : declare),
    runIf: (condition: unknown) => (condition ? declare : skip),
  })
}

function titleOf(name: string, values: readonly unknown[], index: number): string {
  let at = 0
  const text = name.replace(/%[sdifjo#]/g, (code) => (code === '%#' ? String(index) : String(values[at++])))
  return text.replace(/\$(\w+)/g, (all, key: string) => {
    const [value] = values
    return typeof value === 'object' && value && key in value ? String((value as never)[key]) : all
  })
}

/** Stand-ins for vitest's. */
export const describe: Api = apiOf('group')
export const it: Api = apiOf('test')
export const test: Api = apiOf('test')

const hook =
  (kind: keyof Group['hooks']) =>
  (step: Step): void =>
    void current!.hooks[kind].push(step)
export const beforeAll: (step: Step) => void = hook('beforeAll')
export const beforeEach: (step: Step) => void = hook('beforeEach')
export const afterEach: (step: Step) => void = hook('afterEach')
export const afterAll: (step: Step) => void = hook('afterAll')

const finishing: Step[] = []

/** Runs a step after the test. */
export function onTestFinished(step: Step): void {
  finishing.push(step)
}

/** What the runner gives the tests. */
export function inject(key: string): unknown {
  return PROVIDED[key]
}

const stubbed = new Map<string, unknown>()
const needsClock = (): never => {
  throw new Skip('needs a clock that tests can move')
}

/** Tests that need more of vitest's are skipped. */
export const vi = {
  fn(implementation: Step = () => undefined) {
    const calls: unknown[][] = []
    const called = (...row: never[]): unknown => {
      calls.push(row)
      return implementation(...row)
    }
    return Object.assign(called, { mock: { calls } })
  },
  async waitUntil(condition: () => unknown, { timeout = 1_000, interval = 50 } = {}) {
    for (const begun = Date.now(); ;) {
      const value = await condition()
      if (value) return value
      if (Date.now() - begun > timeout) throw new Error('the condition did not come true in time')
      await new Promise((resolve) => setTimeout(resolve, interval))
    }
  },
  stubGlobal(name: string, value: unknown) {
    const host = globalThis as unknown as Record<string, unknown>
    if (!stubbed.has(name)) stubbed.set(name, host[name])
    host[name] = value
  },
  unstubAllGlobals() {
    for (const [name, value] of stubbed) (globalThis as unknown as Record<string, unknown>)[name] = value
    stubbed.clear()
  },
  restoreAllMocks: (): void => undefined,
  useRealTimers: (): void => undefined,
  useFakeTimers: needsClock,
  spyOn: needsClock,
}
