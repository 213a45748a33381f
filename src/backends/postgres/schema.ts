/**
 * The tables and functions of a hive; docs/formats.md describes them. The version of a schema is the number of steps
 * that have made it.
 *
 * @module
 */
import { toHex } from '../../bytes/byte-text.ts'
import { BackendError, FormatError, NotFoundError } from '../../errors.ts'
import { isMissingColumn, isMissingTable, FOREIGN_SCHEMA } from './postgres-error.ts'
import type { ServerCalls } from './server-calls.ts'
import { textOf } from './wire.ts'

/** The statements of each step; `schema` is the name of the schema in double quotes. */
type SchemaStep = (schema: string) => string

/** Where the blocks of a hive are: in the schema, or in a backend of their own. */
type SchemaBlocks = 'postgres' | 'elsewhere'

/** What the table `format` says of a hive. */
export interface HiveFormat {
  /** The number of steps that have made it. */
  readonly version: number
  readonly blocks: SchemaBlocks
  /** A random id, in hexadecimal digits. */
  readonly id: string
  /** Whether it has claimed the place of its blocks, if that is elsewhere. */
  readonly hasClaimed: boolean
}

const ID_BYTES = 16

/**
 * All steps that make a schema. A step that was released never changes: what comes later is a step of its own.
 */
export const SCHEMA_STEPS: readonly SchemaStep[] = [rowsAndBlocks]

/**
 * `bytea` is ordered by its unsigned bytes, and text with the collation "C" by its characters. EXTERNAL storage has no
 * compression: values are hashes, or compressed already. Versions come from a sequence, which no rollback and no crash
 * sets back.
 *
 * `commit_rows` first locks all keys that it checks or changes, in one order, so that two commits with a key in common
 * come one after the other. Each of its statements sees what was committed before it began, at READ COMMITTED only. It
 * gets its keys and values joined, first the keys of the checks, then those of the changes, then the values. It returns
 * the version, null if a check does not hold, and -1 if this is not the transaction that the caller has joined.
 */
function rowsAndBlocks(schema: string): string {
  return `
    create table ${schema}.rows (
      key bytea primary key,
      version bigint not null,
      value bytea not null
    );
    alter table ${schema}.rows alter column value set storage external;
    create sequence ${schema}.versions;

    create table ${schema}.blocks (
      name text collate "C" primary key,
      bytes bytea not null
    );
    alter table ${schema}.blocks alter column bytes set storage external;

    create function ${schema}.unpack(lengths int[], bytes bytea) returns bytea[]
    language sql immutable as $body$
      select array(
        select substring(bytes from (start + 1)::int for length)
        from (
          select length, number, sum(coalesce(length, 0)) over (order by number) - coalesce(length, 0) as start
          from unnest(lengths) with ordinality as part (length, number)
        ) as parts
        order by number
      )
    $body$;

    create function ${schema}.commit_rows(
      lengths int[], checked bigint[], bytes bytea, lock_timeout_ms int, joined bigint
    )
    returns bigint
    language plpgsql
    set search_path = pg_catalog
    set enable_seqscan = off
    as $body$
    declare
      checks constant int := cardinality(checked);
      changes constant int := (cardinality(lengths) - checks) / 2;
      parts constant bytea[] := ${schema}.unpack(lengths, bytes);
      keys constant bytea[] := parts[1:checks + changes];
      current bigint;
      written bigint;
    begin
      -- An error would end the transaction of somebody else who uses the same connection now.
      if joined <> txid_current() then
        return -1;
      end if;
      if current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
        raise exception 'commits need the isolation level READ COMMITTED, not %',
          upper(current_setting('transaction_isolation')) using errcode = 'feature_not_supported';
      end if;
      if lock_timeout_ms is not null then
        perform set_config('lock_timeout', lock_timeout_ms::text, true);
      end if;
      -- A lost commit would leave a version that somebody has seen to another commit.
      if current_setting('synchronous_commit') = 'off' then
        perform set_config('synchronous_commit', 'on', true);
      end if;
      perform pg_advisory_xact_lock(lock)
      from (
        select distinct hashtextextended('${schema}' || encode(key, 'hex'), 0) as lock
        from unnest(keys) as given (key)
        order by lock
      ) as locks;
      for i in 1..checks loop
        select version into current from ${schema}.rows where key = keys[i];
        if current is distinct from checked[i] then
          return null;
        end if;
      end loop;
      written := nextval('${schema}.versions');
      for i in 1..changes loop
        if parts[checks + changes + i] is null then
          delete from ${schema}.rows where key = keys[checks + i];
        else
          insert into ${schema}.rows (key, version, value)
          values (keys[checks + i], written, parts[checks + changes + i])
          on conflict (key) do update set version = excluded.version, value = excluded.value;
        end if;
      end loop;
      return written;
    end
    $body$;`
}

/** What {@linkcode prepareSchema} does. */
export interface PrepareSchemaOptions {
  readonly blocks: SchemaBlocks
  /** Whether a schema that does not exist, or is empty, becomes a hive. */
  readonly create: boolean
  readonly steps?: readonly SchemaStep[]
}

/**
 * Checks that this package can read and write a schema, after creating it, or adding to it what an earlier version of the
 * package did not have. Any number of processes may do so at the same time.
 *
 * @throws {FormatError} if another program, or a later version of this one, has made the schema, or if the blocks of the
 * hive are in another place.
 * @throws {NotFoundError} if there is no hive, and `create` is false.
 */
export async function prepareSchema(
  calls: ServerCalls,
  name: string,
  { blocks, create, steps = SCHEMA_STEPS }: PrepareSchemaOptions,
): Promise<HiveFormat> {
  await checkSettings(calls)
  let format = await readFormat(calls, name)
  if (!format && !create) throw new NotFoundError(`there is no hive in the schema ${name}`)
  if (!format || format.version < steps.length) {
    await calls.runScript(installation(name, blocks, steps), `cannot create the schema ${name}`)
    format = (await readFormat(calls, name))!
  }
  if (format.version > steps.length) {
    throw new FormatError(
      `the schema ${name} has version ${format.version}, and this package knows only ${steps.length}`,
      { reason: 'unsupported' },
    )
  }
  if (format.blocks !== blocks) {
    const message =
      blocks === 'postgres'
        ? `the blocks of the hive in the schema ${name} are in another backend: pass it as \`blocks\``
        : `the blocks of the hive in the schema ${name} are in PostgreSQL: open it without \`blocks\``
    throw new FormatError(message, { reason: 'unsupported' })
  }
  return format
}

/** Notes that a hive has claimed the place of its blocks. */
export async function noteClaim(calls: ServerCalls, name: string): Promise<void> {
  await calls.run({
    what: `cannot change the schema ${name}`,
    statement: `update "${name}".format set claimed = true`,
    parameters: [],
    changes: false,
    signal: undefined,
  })
}

/** Checks settings of the server, a database or a user that change how values are sent. */
async function checkSettings(calls: ServerCalls): Promise<void> {
  const [row] = await calls.runToOpen({
    what: 'cannot open the hive',
    statement: `select current_setting('bytea_output'), current_setting('array_nulls')`,
    parameters: [],
    changes: false,
    signal: undefined,
  })
  const [output, nulls] = row!.map(textOf)
  if (output === 'hex' && nulls === 'on') return
  const [setting, needed] = output === 'hex' ? ['array_nulls', 'on'] : ['bytea_output', 'hex']
  throw new BackendError(`the server's setting ${setting} must be ${needed}: add ?${setting}=${needed} to the URL`, {
    retryable: false,
  })
}

async function readFormat(calls: ServerCalls, name: string): Promise<HiveFormat | undefined> {
  try {
    const rows = await calls.runToOpen({
      what: `cannot open the schema ${name}`,
      statement: `select version, blocks, id, claimed from "${name}".format`,
      parameters: [],
      changes: false,
      signal: undefined,
    })
    const [version, blocks, id = '', claimed] = (rows[0] ?? []).map(textOf)
    if (blocks !== 'postgres' && blocks !== 'elsewhere') throw foreign(name)
    return { version: Number(version), blocks, id, hasClaimed: claimed === 't' }
  } catch (error) {
    const { cause } = error as Error
    if (isMissingTable(cause)) return undefined
    if (isMissingColumn(cause)) throw foreign(name)
    throw error
  }
}

/**
 * A script that makes the steps that are missing. The server runs all of it as one transaction. It looks at the catalog
 * once it has the lock: others may have made the schema meanwhile.
 */
function installation(name: string, blocks: SchemaBlocks, steps: readonly SchemaStep[]): string {
  const id = toHex(crypto.getRandomValues(new Uint8Array(ID_BYTES)))
  return `
    select pg_advisory_xact_lock(hashtextextended('combstream schema ${name}', 0));
    do $install$
    declare
      made int := 0;
    begin
      if not exists (select from pg_catalog.pg_namespace where nspname = '${name}') then
        create schema "${name}";
      end if;
      if exists (
        select from pg_catalog.pg_class
        where relname = 'format' and relnamespace = '"${name}"'::regnamespace
      ) then
        select version into made from "${name}".format;
      elsif exists (
        -- Whatever is in a schema depends on it, but so do the default rights of what will be.
        select from pg_catalog.pg_depend
        where refclassid = 'pg_catalog.pg_namespace'::regclass and refobjid = '"${name}"'::regnamespace
          and classid <> 'pg_catalog.pg_default_acl'::regclass
      ) then
        raise exception 'the schema ${name} was not made by combstream' using errcode = '${FOREIGN_SCHEMA}';
      else
        create table "${name}".format (
          version int not null,
          blocks text not null,
          id text not null,
          claimed boolean not null
        );
        insert into "${name}".format values (0, '${blocks}', '${id}', false);
      end if;
      ${steps.map((step, index) => `if made < ${index + 1} then ${step(`"${name}"`)} end if;`).join('\n')}
      update "${name}".format set version = ${steps.length} where version < ${steps.length};
    end
    $install$;`
}

function foreign(name: string): FormatError {
  return new FormatError(`the schema ${name} was not made by combstream`, { reason: 'magic' })
}
