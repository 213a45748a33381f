// The peer of `comb put`, together with `openssl dgst`: writes each block of 1,000,000 bytes of a file as a separate
// file, and fsyncs each before the next. Arguments: the file, and the directory to make.
import { closeSync, fsyncSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'

const [source = '', directory = ''] = process.argv.slice(2)
const block = Buffer.allocUnsafeSlow(1_000_000)
const input = openSync(source, 'r')
mkdirSync(directory)
for (let index = 0; ; index++) {
  const length = readSync(input, block)
  if (length === 0) break
  const output = openSync(join(directory, String(index).padStart(8, '0')), 'wx')
  writeSync(output, block, 0, length)
  fsyncSync(output)
  closeSync(output)
}
closeSync(input)
