import { s3Blocks, type S3BlocksOptions } from '../backends/s3.ts'
import type { BlockBackend } from '../backends/tiered.ts'
import type { Backend } from '../store/backend.ts'
import { type EnginePlace, schemeOf } from './hive-place.ts'
import { asUsage } from './as-usage.ts'
import { mayBeEngine } from './redact.ts'
import { UsageError } from './usage-error.ts'

/** What may follow the question mark in the URL of an object store. */
const BLOCKS_PARAMETERS = new Set(['endpoint', 'region', 'addressing'])

/** How {@linkcode openEngines} opens them. */
export interface EngineOptions {
  /** Creates the hive if it does not exist. */
  readonly create: boolean
  /** Opens a directory, for rows that are in one. */
  readonly openDirectory: (path: string, blocks?: BlockBackend) => Promise<Backend>
}

/** Opens the rows that `--metadata` names, with the blocks that `--blocks` names. */
export async function openEngines(
  { metadata, blocks }: EnginePlace,
  { create, openDirectory }: EngineOptions,
): Promise<Backend> {
  const objects = blocks === undefined ? undefined : openBlocks(blocks)
  const scheme = schemeOf(metadata)
  if (scheme === undefined && !mayBeEngine(metadata)) {
    return asUsage(() => openDirectory(metadata, objects))
  }
  const url = postgresUrl(metadata)
  const schema = url.searchParams.get('schema')
  url.searchParams.delete('schema')
  const { postgresBackend } = await import('../backends/postgres.ts')
  return await asUsage(() =>
    postgresBackend(url.href, {
      create,
      ...(schema !== null && { schema }),
      ...(objects && { blocks: objects }),
    }),
  )
}

/** Reads the URL of a database. No message shows it: it may have a password anywhere. */
function postgresUrl(metadata: string): URL {
  if (!/^postgres(ql)?$/.test(schemeOf(metadata) ?? '')) {
    throw new UsageError('--metadata must be a directory, or like postgres://USER@HOST:PORT/DATABASE')
  }
  if (!URL.canParse(metadata)) {
    throw new UsageError('--metadata is not a valid URL; a password must be percent-encoded, or be in PGPASSWORD')
  }
  const url = new URL(metadata)
  try {
    // As the driver does, whose own error does not say what is wrong.
    decodeURIComponent([url.username, url.password, url.pathname].join(' '))
  } catch (error) {
    throw new UsageError('--metadata has a % that is not part of a percent-encoded character; write it as %25', {
      cause: error,
    })
  }
  return url
}

/** Makes the blocks of an object store. Secrets come from the environment, which other users of the machine cannot see. */
function openBlocks(place: string): BlockBackend {
  const isS3 = schemeOf(place) === 's3' && URL.canParse(place)
  if (!isS3) throw new UsageError('--blocks must be like s3://BUCKET/PREFIX?endpoint=URL')
  const { hostname, port, pathname, searchParams, username, password, hash } = new URL(place)
  if (username || password) throw new UsageError('--blocks must not contain a key: set AWS_SECRET_ACCESS_KEY')
  const unknown = [...searchParams.keys()].find((name) => !BLOCKS_PARAMETERS.has(name))
  if (unknown !== undefined || port || hash) {
    throw new UsageError(`--blocks may have only endpoint=, region= and addressing= after its prefix`)
  }
  const { env } = process
  const endpoint = searchParams.get('endpoint') ?? (env['AWS_ENDPOINT_URL_S3'] || env['AWS_ENDPOINT_URL'])
  if (!endpoint) throw new UsageError('--blocks needs ?endpoint=URL, or AWS_ENDPOINT_URL in the environment')
  const accessKeyId = env['AWS_ACCESS_KEY_ID']
  const secretAccessKey = env['AWS_SECRET_ACCESS_KEY']
  if (!accessKeyId || !secretAccessKey) {
    throw new UsageError('--blocks needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment')
  }
  return asUsage(() =>
    s3Blocks({
      endpoint,
      bucket: hostname,
      prefix: pathname.slice(1),
      region: searchParams.get('region') ?? (env['AWS_REGION'] || env['AWS_DEFAULT_REGION'] || undefined),
      addressing: (searchParams.get('addressing') ?? undefined) as S3BlocksOptions['addressing'],
      credentials: { accessKeyId, secretAccessKey, sessionToken: env['AWS_SESSION_TOKEN'] || undefined },
    }),
  )
}
