import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { inject } from 'vitest'
import type { TestProject } from 'vitest/node'
import { memoryBackend } from '../../src/backends/memory.ts'
import { s3Blocks, type S3BlocksOptions } from '../../src/backends/s3.ts'
import type { Backend } from '../../src/store.ts'
import { type ObjectGateway, startCeph, stopCeph } from './start-ceph.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Folder of the object gateway, which is started by the first test that asks for it. */
    gatewayFolder: string
  }
}

/** Does what {@linkcode setup} would do at the end, if its process is killed: then `cat` sees the end of its input. */
const GUARD = `cat >/dev/null; test -f "$1/pids" && kill -KILL $(cat "$1/pids"); rm -rf "$1"`

/** Chooses the folder before a project's first test file, and ends the gateway after the last one. */
export function setup(project: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'combstream-gateway-'))
  project.provide('gatewayFolder', folder)
  const guard = spawn('sh', ['-c', GUARD, 'sh', folder], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
  guard.unref()
  return () => {
    stopCeph(folder)
    rmSync(folder, { recursive: true, force: true, maxRetries: 10 })
    guard.stdin.end()
  }
}

/** The object gateway of this run, for all test files and their processes. */
export async function objectGateway(): Promise<ObjectGateway> {
  const folder = inject('gatewayFolder')
  const path = (name: string): string => join(folder, name)
  if (isFirst(path('lock'))) {
    try {
      write(path('ready'), await startCeph(folder))
    } catch (error) {
      write(path('failed'), String(error))
    }
  }
  for (; !existsSync(path('ready')); await delay(20)) {
    if (existsSync(path('failed'))) throw new Error(readFileSync(path('failed'), 'utf8'))
  }
  return JSON.parse(readFileSync(path('ready'), 'utf8')) as ObjectGateway
}

function isFirst(path: string): boolean {
  try {
    mkdirSync(path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return false
  }
}

/** Writes a file that appears complete. */
function write(path: string, value: unknown): void {
  writeFileSync(`${path}~`, JSON.stringify(value))
  renameSync(`${path}~`, path)
}

let prefixes = 0

/** A prefix that nobody else uses. */
export function newPrefix(): string {
  return `${process.pid}/${prefixes++}`
}

/** A backend with its rows in memory, and its blocks in the object gateway. */
export function gatewayBackend(
  gateway: ObjectGateway,
  options: Partial<S3BlocksOptions> = {},
  rows: Backend = memoryBackend(),
): Backend {
  const { blocks, limits, close } = s3Blocks({ ...gateway, prefix: newPrefix(), ...options })
  return {
    ...rows,
    blocks,
    ...(limits && { limits }),
    async close() {
      await close()
      await rows.close()
    },
  }
}
