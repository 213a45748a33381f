import type { ScenarioName } from './scenarios.ts'

/** A protocol with a mistake in it, and the scenario that shows its effect. */
interface Draft {
  readonly mistakes: readonly string[]
  readonly scenario: ScenarioName
  readonly what: string
  /** Tried, and found to be safe. */
  readonly harmless?: true
}

const ALL = [
  {
    mistakes: ['twoCommits'],
    scenario: 'alias: hit on the old one',
    what: 'the alias and its reference are written in two commits',
  },
  {
    mistakes: ['setThenRemove'],
    scenario: 'alias: hit on the old one',
    what: 'the new reference is set before the old one is removed, although both may be the same',
  },
  {
    mistakes: ['dupSeparate'],
    scenario: 'alias: hit on the old one',
    what: 'a duplicate marks the target and deletes itself in two commits, with an alias: applied twice',
  },
  { mistakes: ['matchOnce'], scenario: 'alias: If-Match, remove', what: 'If-Match is checked only at the beginning' },
  {
    mistakes: ['lastUnchecked'],
    scenario: 'removal: upload marked',
    what: "the last commit does not check the stream's own s",
  },
  {
    mistakes: ['reviveUploads'],
    scenario: 'removal: upload marked',
    what: 'a mark revives a stream that was condemned while storing',
  },
  { mistakes: ['unmarkNoCandidate'], scenario: 'candidates', what: 'unmark does not write c' },
  { mistakes: ['markUnchecked'], scenario: 'candidates', what: 'mark does not check s' },
  { mistakes: ['onePhase'], scenario: 'candidates', what: 'collection deletes without listing the references again' },
  { mistakes: ['clearUnchecked'], scenario: 'candidates', what: 'a stale c is deleted without a check of c' },
  { mistakes: ['condemnNoC'], scenario: 'candidates', what: 'condemning does not write c' },
  { mistakes: ['skipsOthers'], scenario: 'candidates', what: 'collection skips condemned and deleting streams' },
  { mistakes: ['expiryNoCandidate'], scenario: 'expiry: downgraded', what: 'a mark with an expiry does not write c' },
  {
    mistakes: ['clearAny'],
    scenario: 'candidates: pin',
    what: 'c is deleted although the only live reference expires',
  },
  { mistakes: ['noPrune'], scenario: 'candidates: pin', what: 'expired references of a live stream are kept' },
  {
    mistakes: ['pruneUnchecked'],
    scenario: 'expiry: pruning',
    what: 'an expired reference is deleted without a check of its version',
  },
  {
    mistakes: ['expiredKept'],
    scenario: 'expiry: renewal',
    what: 'the commit that deletes s keeps the expired references',
  },
  { mistakes: ['keepH'], scenario: 'removal: duplicate', what: 'h stays when its stream begins to be deleted' },
  {
    mistakes: ['ownUnchecked'],
    scenario: 'resume: abort',
    what: 'an abort deletes without check-and-set of s, and the upload was resumed',
  },
  { mistakes: ['ownUnchecked'], scenario: 'lost answer: abort', what: 'an abort deletes without check-and-set of s' },
  {
    mistakes: ['dupSeparate'],
    scenario: 'lost answer: duplicate',
    what: 'a duplicate marks the target and deletes itself in two commits, without an alias',
    harmless: true,
  },
  {
    mistakes: ['noRewriteB'],
    scenario: 'shared blocks: shared block',
    what: 'adding a holder checks b but does not rewrite it',
  },
  {
    mistakes: ['trashAll'],
    scenario: 'shared blocks: shared block',
    what: 'all objects of a page in trash are deleted, shared ones too',
  },
  {
    mistakes: ['listBeforeDrop'],
    scenario: 'shared blocks: two droppers',
    what: "the holders are listed before the stream's own holder row is dropped",
  },
  { mistakes: ['bAfterList'], scenario: 'shared blocks: scrub', what: 'b is read after the holders were listed' },
  {
    mistakes: ['ownWipesShared'],
    scenario: 'shared blocks: two writers',
    what: 'an abort deletes its objects at once, including those that b names',
  },
  {
    mistakes: ['ownWipesShared'],
    scenario: 'shared blocks: readers in grace',
    what: 'an abort deletes its objects at once, while a reader has the stream that shares them',
  },
  { mistakes: ['noTrashRead'], scenario: 'pages: readers in grace', what: 'a reader does not look into trash' },
  { mistakes: ['trashFirst'], scenario: 'pages: readers in grace', what: 'a reader looks into t before m' },
  { mistakes: ['rowFirst'], scenario: 'pages: readers in grace', what: 's and c are deleted after the first page' },
  { mistakes: ['shortRead'], scenario: 'pages: pages and readers', what: 'a missing page is treated as the end' },
  {
    mistakes: ['unknownIsFailure'],
    scenario: 'lost answer: new stream',
    what: 'an unknown outcome is treated as a failure, and another reference is set',
  },
  {
    mistakes: ['noReread'],
    scenario: 'lost answer: duplicate',
    what: 'after an unknown outcome, a missing row of the stream is treated as a failure',
  },
  {
    mistakes: ['retryUnfenced'],
    scenario: 'late: mark, unmark',
    what: 'a mark is repeated after one of unknown outcome, without rewriting s',
  },
  {
    mistakes: ['unmarkUnchecked'],
    scenario: 'late: unmark, mark',
    what: 'unmark does not check r, and a late one undoes a newer mark',
  },
  {
    mistakes: ['sameIntents'],
    scenario: 'late: reaper',
    what: 'intents are repeated with the same names after an unknown outcome',
  },
  {
    mistakes: ['giveUpUnfenced'],
    scenario: 'late: mark given up',
    what: 'a mark of unknown outcome is undone without rewriting s',
  },
  { mistakes: ['sameId'], scenario: 'late: dedup', what: 'a creation of unknown outcome is repeated with the same id' },
  {
    mistakes: ['sameId', 'staleUnchecked'],
    scenario: 'late: two writers',
    what: 'a creation is repeated with the same id, and c of a missing s is deleted without a check',
  },
  { mistakes: ['noIntents'], scenario: 'groups: scrub', what: 'objects are put without intents' },
  { mistakes: ['scrubMetaFirst'], scenario: 'groups: scrub', what: 'scrub reads the rows before it lists the objects' },
  { mistakes: ['scrubTextOrder'], scenario: 'groups: scrub', what: 'scrub reads m and b before i' },
  { mistakes: ['reapDeadOnly'], scenario: 'groups: lost answer', what: 'intents of stored streams are not reaped' },
  {
    mistakes: ['reapNoReread'],
    scenario: 'shared blocks: reaper',
    what: 'the reaper does not read the intent again after s',
  },
  { mistakes: ['appendUnchecked'], scenario: 'resume: lost answer', what: 'an append does not check s' },
  { mistakes: ['scrubNoS'], scenario: 'resume: tail', what: 'scrub does not read the tails in s' },
  {
    mistakes: ['tailForgotten'],
    scenario: 'resume: tail, no zombie',
    what: 'a tail that is used up or collected gets neither an intent nor trash',
  },
  {
    mistakes: ['refTells'],
    scenario: 'alias: hit on the old one',
    what: "after a lost answer, any reference counts as the writer's own",
  },
  {
    mistakes: ['refTells'],
    scenario: 'heal: lost answer, alias',
    what: "after a lost answer, any reference counts as the writer's own, and the target is damaged",
  },
  { mistakes: ['unasked'], scenario: 'heal: twins', what: 'a hit does not check the objects of its target' },
  { mistakes: ['healInPlace'], scenario: 'heal: twins', what: "the target's pages name our objects, as ours do" },
  {
    mistakes: ['healWipes'],
    scenario: 'heal: twins',
    what: "after a heal, the writer's objects are deleted at once, like those of any duplicate",
  },
  {
    mistakes: ['healWipes'],
    scenario: 'heal: lost answer',
    what: "after a heal whose answer was lost, the writer's objects are deleted at once",
  },
  {
    mistakes: ['fromMemory'],
    scenario: 'heal: lost answer',
    what: 'when its row is gone, a writer deletes the objects that it remembers',
  },
  { mistakes: ['healRows'], scenario: 'heal: scrub', what: 'a heal exchanges the pages row by row' },
  { mistakes: ['ignoreMark'], scenario: 'heal: marked', what: 'a hit does not look at the damage mark' },
  {
    mistakes: ['askStale'],
    scenario: 'heal: marked',
    what: 's is read again after its objects were checked, so a mark set in between is missed',
  },
  { mistakes: ['damageUnchecked'], scenario: 'heal: marked', what: 'the damage mark is set without a check of s' },
  {
    mistakes: ['markStale'],
    scenario: 'heal: readers',
    what: 'the damage mark is set although s now names another page set',
  },
  {
    mistakes: ['noReopen'],
    scenario: 'heal: readers',
    what: 'a reader does not continue in the page set that s now names',
  },
  { mistakes: ['healOwnUnchecked'], scenario: 'heal: dying', what: "a heal does not check the stream's own s" },
  { mistakes: ['healTargetUnchecked'], scenario: 'heal: twins', what: "a heal does not check the target's s" },
  { mistakes: ['ownPages'], scenario: 'heal: dying', what: 'collection takes the pages of the id once s is gone' },
  {
    mistakes: ['deadIfReplaced'],
    scenario: 'heal: shared block',
    what: 'an object that b no longer names dies with its first holder',
  },
  {
    mistakes: ['healUnverified'],
    scenario: 'heal: held block',
    what: 'a heal takes shared blocks that nobody has read',
  },
  { mistakes: ['headUnfenced'], scenario: 'upload: head', what: 'HEAD only reads, and the running append continues' },
  { mistakes: ['toldEarly'], scenario: 'upload: take-over', what: 'an offset is reported before it is committed' },
  {
    mistakes: ['noEpoch'],
    scenario: 'upload: take-over',
    what: 'after a failed commit, a writer continues with the new version of s',
  },
  { mistakes: ['upKept'], scenario: 'upload: take-over', what: 'collection leaves the up row' },
  {
    mistakes: ['upSweptAlone'],
    scenario: 'upload: take-over',
    what: 'the up row of an unfinished upload is swept at a time of its own',
  },
  {
    mistakes: ['overdueTold'],
    scenario: 'upload: take-over',
    what: 'a client gets a 404 because the lease is over, and nothing is done about it',
  },
  {
    mistakes: ['doneSeparate'],
    scenario: 'upload: take-over',
    what: 'the final answer is remembered in a second commit',
  },
  {
    mistakes: ['noUpReread'],
    scenario: 'upload: take-over, hit',
    what: 'a client gets a 404 because s is gone, without reading up again',
  },
  { mistakes: ['tailDropped'], scenario: 'upload: tail', what: 'a take-over drops the tail' },
  {
    mistakes: ['tailForgotten'],
    scenario: 'upload: tail',
    what: 'a tail that a longer one replaces does not become an intent',
  },
  { mistakes: ['cancelUnchecked'], scenario: 'upload: cancel', what: 'a cancel does not check s' },
  {
    mistakes: ['lastUnchecked'],
    scenario: 'upload: cancel',
    what: "the last commit does not check the stream's own s, and the upload was cancelled",
  },
  { mistakes: ['refusalForgotten'], scenario: 'upload: If-Match', what: 'a final 412 is not remembered' },
  { mistakes: ['renewUnchecked'], scenario: 'pin: entry', what: 'a pin is renewed without a check of s' },
  { mistakes: ['pinNoFlip'], scenario: 'pin: entry', what: 'a pin leaves the stream condemned' },
  { mistakes: ['pinTwice'], scenario: 'pin: unreferenced', what: 'p and r are written in two commits' },
  { mistakes: ['sweepUnchecked'], scenario: 'pin: unreferenced', what: 'a pin is swept without a check of its row' },
  {
    mistakes: ['sweepUnchecked'],
    scenario: 'entry expiry: update',
    what: 'an entry is swept without a check of its row',
  },
  {
    mistakes: ['sweepTwo'],
    scenario: 'entry expiry: update',
    what: 'an entry and its reference are swept in two commits',
  },
  {
    mistakes: ['oldForgotten'],
    scenario: 'entry expiry: put if absent',
    what: 'a write over an expired entry does not remove its reference',
  },
  {
    mistakes: ['noIndex'],
    scenario: 'entry expiry: put if absent',
    what: 'a row that expires has no row in the index by time',
  },
  {
    mistakes: ['extendUnchecked'],
    scenario: 'entry expiry: renewal',
    what: 'an expiry is changed without a check of the entry',
  },
  {
    mistakes: ['aliasExpires'],
    scenario: 'entry expiry: renewal',
    what: 'the reference of an entry expires by itself',
  },
  {
    mistakes: ['abaError'],
    scenario: 'back again: reader',
    what: 'the reader of an alias does not look for the same bytes when its stream is gone',
  },
  { mistakes: ['abaById'], scenario: 'back again: reader', what: 'a conflict is detected by id, not by digest' },
  { mistakes: ['markKeepsB'], scenario: 'heal: withdrawn block', what: 'the damage mark leaves a bad block in b' },
  {
    mistakes: ['holdUnasked'],
    scenario: 'heal: lost block',
    what: 'a shared block is held without checking that it exists',
  },
  { mistakes: ['candidateKept'], scenario: 'candidates: none', what: 'storing with a permanent reference leaves c' },
  {
    mistakes: ['candidateAlwaysDropped'],
    scenario: 'candidates: expiring reference',
    what: 'storing deletes c although the reference expires',
  },
  {
    mistakes: ['candidateAlwaysDropped'],
    scenario: 'candidates: store, then mark',
    what: 'storing deletes c although nothing refers to the stream',
  },
  {
    mistakes: ['candidateDroppedFirst'],
    scenario: 'candidates: store and unmark',
    what: 'c is deleted in a commit before the last one',
  },
  {
    mistakes: ['candidateDroppedAfter'],
    scenario: 'candidates: store and unmark',
    what: 'c is deleted in a commit after the last one, and an unmark happens in between',
  },
  {
    mistakes: ['candidateDroppedWithS'],
    scenario: 'candidates: store and unmark',
    what: 'c is deleted in a commit after the last one that checks s, which an unmark does not write',
  },
  {
    mistakes: ['candidateOfTargetDropped'],
    scenario: 'candidates: hit',
    what: 'a hit deletes c of its target, which has a reference that expires',
  },
  {
    mistakes: ['candidateOfOwnDropped'],
    scenario: 'candidates: hit',
    what: 'a hit deletes c of its own stream, which is not deleted yet',
  },
  {
    mistakes: ['candidateOfOwnDropped'],
    scenario: 'heal: dying',
    what: 'a heal deletes c of its own stream, which has the former pages now',
  },
  {
    mistakes: ['hitNoCandidate'],
    scenario: 'candidates: hit, expiring reference',
    what: 'a hit with a reference that expires does not write c of its target',
  },
  {
    mistakes: ['hitNoCandidate'],
    scenario: 'heal: expiring reference',
    what: 'a heal with a reference that expires does not write c of its target',
  },
  {
    mistakes: ['lastUnchecked'],
    scenario: 'candidates: late store and unmark',
    what: "the last commit does not check the stream's own s, and is applied late",
  },
  {
    mistakes: ['updateNoCandidate'],
    scenario: 'candidates: update, remove',
    what: 'an update does not write c of the former stream',
  },
  {
    mistakes: ['removeNoCandidate'],
    scenario: 'candidates: update, remove',
    what: 'removing an entry does not write c',
  },
  { mistakes: ['sweepNoCandidate'], scenario: 'entry expiry: update', what: 'sweeping an entry does not write c' },
  {
    mistakes: ['readOwnPages'],
    scenario: 'heal: marked',
    what: 'a reader takes the pages of the id, not those that s names',
  },
  {
    mistakes: ['collectOwnPages'],
    scenario: 'heal: twins',
    what: 'collection takes the pages of the id, not those that s names',
  },
  {
    mistakes: ['pageKept'],
    scenario: 'heal: readers',
    what: 'a reader keeps the page that it has, although s names another page set',
  },
  {
    mistakes: ['missingIsNotFound'],
    scenario: 'heal: readers',
    what: 'a missing block is a NotFoundError without a second look at s',
  },
  { mistakes: ['sameName'], scenario: 'late: dedup', what: 'a put of unknown outcome is repeated under the same name' },
  { mistakes: ['clearNoS'], scenario: 'candidates', what: 'c is deleted with a check of c alone', harmless: true },
  {
    mistakes: ['unannounced'],
    scenario: 'at once: entry',
    what: 'collection does not rewrite v before it removes streams',
  },
  {
    mistakes: ['announcedEarly'],
    scenario: 'at once: entry',
    what: 'collection rewrites v before it lists the candidates',
  },
  {
    mistakes: ['atOnceVersionUnchecked'],
    scenario: 'at once: lost answer',
    what: 'storing at once does not check v',
  },
  {
    mistakes: ['atOnceOwnUnchecked'],
    scenario: 'at once: given up',
    what: 'storing at once does not check that the stream is absent',
  },
  {
    mistakes: ['atOnceDigestUnchecked'],
    scenario: 'at once: twins',
    what: 'storing at once does not check h, and two streams may have the same bytes',
    harmless: true,
  },
  {
    mistakes: ['atOnceIsFailure'],
    scenario: 'at once: lost answer',
    what: 'after a lost answer, storing at once is tried again under another id',
  },
  {
    mistakes: ['atOnceGoneIsFailure'],
    scenario: 'at once: entry',
    what: 'after a lost answer, an absent stream counts as never stored although v has changed',
  },
  {
    mistakes: ['atOnceRowFirst'],
    scenario: 'at once: twins',
    what: "after a lost answer, the stream's own s is read before v",
  },
  {
    mistakes: ['atOnceNotRuledOut'],
    scenario: 'at once: given up',
    what: 'a stream that was stored at once is given up without a row that says so',
  },
  {
    mistakes: ['atOnceWiped'],
    scenario: 'at once: given up',
    what: 'the writer removes the row by which it has given up a stream',
  },
  {
    mistakes: ['atOnceNoCandidate'],
    scenario: 'at once: then mark',
    what: 'storing at once without a reference does not write c',
  },
] as const satisfies readonly Draft[]

/** The name of a mistake: a flag that disables one rule. */
export type Mistake = (typeof ALL)[number]['mistakes'][number]
export type Planted = Readonly<Partial<Record<Mistake, true>>>

export interface Variant extends Draft {
  readonly mistakes: readonly Mistake[]
}

/** Every rule of the protocol is broken at least once here, to show that the model catches it. */
export const VARIANTS: readonly Variant[] = ALL

export function plantedBy({ mistakes }: Variant): Planted {
  return Object.fromEntries(mistakes.map((mistake) => [mistake, true]))
}
