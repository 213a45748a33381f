// Opens a directory by a relative path, goes elsewhere, commits without waiting for it, and leaves the backend as it is.
import { basename, dirname } from 'node:path'
import process from 'node:process'
import { directoryBackend } from '../../src/backends/directory.ts'
import { text } from './store-tools.ts'

const directory = process.argv[2]!
process.chdir(dirname(directory))
const { metadata } = await directoryBackend(basename(directory))
process.chdir('/')
void metadata
  .commit([], [{ key: text('k'), value: text('v') }])
  .then((version) => process.stdout.write(`committed ${version}\n`))
