-- schema.sql - every table of the coordinator, version 5, the first that is to be released.  Later
-- versions are numbered migrations (meta_schema_sqlite.c): this file does not change any more then.
--
-- One text for two engines: BIGINT and BYTEA only, byte keys in S3's order, no descending keys, no
-- sequences.  The SQLite loader turns the marker at the end of a table into its words; PostgreSQL
-- sees a comment.  Rows refer to ids, never to names.  *_ms are unix times of the coordinator's
-- clock; 0 means never.  Nothing is ever NULL.

CREATE TABLE schema_version (
    version BIGINT NOT NULL PRIMARY KEY
) -- sqlite: WITHOUT ROWID
;

-- What there is one of.  backup_ms, restored_ms: of the last restore, how far the backup knew, or one
-- before it of which nothing was given up, and when it was opened.  given_up_ms: of what it cannot know, an operator gave up what is older.
-- release_until_ms: till then nodes may trash more than a day's worth.
CREATE TABLE cluster_state (
    one BIGINT NOT NULL PRIMARY KEY,
    cluster BYTEA NOT NULL,
    recovery_epoch BIGINT NOT NULL,
    garbage_held BIGINT NOT NULL,
    clock_ms BIGINT NOT NULL,
    is_backup BIGINT NOT NULL,
    backup_ms BIGINT NOT NULL,
    restored_ms BIGINT NOT NULL,
    given_up_ms BIGINT NOT NULL,
    release_until_ms BIGINT NOT NULL
) -- sqlite: WITHOUT ROWID
;

-- ---------------------------------------------------------------- who

CREATE TABLE tenant (
    tenant BYTEA NOT NULL PRIMARY KEY,
    name BYTEA NOT NULL UNIQUE,
    root_key_id BYTEA NOT NULL,
    created_ms BIGINT NOT NULL
) -- sqlite: WITHOUT ROWID
;

CREATE TABLE access_key (
    access_key BYTEA NOT NULL PRIMARY KEY,
    tenant BYTEA NOT NULL,
    secret_sealed BYTEA NOT NULL,
    rights BIGINT NOT NULL,
    created_ms BIGINT NOT NULL
) -- sqlite: WITHOUT ROWID
;
CREATE INDEX access_key_of_tenant ON access_key (tenant, access_key);

CREATE TABLE principal_grant (
    principal BYTEA NOT NULL,
    tenant BYTEA NOT NULL,
    class BIGINT NOT NULL,
    rights BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (principal, tenant)
) -- sqlite: WITHOUT ROWID
;

CREATE TABLE invite (
    token_hash BYTEA NOT NULL PRIMARY KEY,
    class BIGINT NOT NULL,
    owner BYTEA NOT NULL,
    network BYTEA NOT NULL,
    place BYTEA NOT NULL,
    tenant BYTEA NOT NULL,
    rights BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    uplink_bits BIGINT NOT NULL,
    used_by BYTEA NOT NULL
) -- sqlite: WITHOUT ROWID
;
CREATE INDEX invite_expires ON invite (expires_ms);

-- ---------------------------------------------------------------- the fleet

CREATE TABLE owner (
    owner BIGINT NOT NULL PRIMARY KEY,
    name BYTEA NOT NULL UNIQUE
) -- sqlite: WITHOUT ROWID
;

-- Rows stay for ever: a number is never used again.
CREATE TABLE node (
    node BIGINT NOT NULL PRIMARY KEY,
    id BYTEA NOT NULL UNIQUE,
    owner BIGINT NOT NULL,
    network BYTEA NOT NULL,
    place BYTEA NOT NULL,
    state BIGINT NOT NULL,
    enrolled_ms BIGINT NOT NULL,
    last_seen_ms BIGINT NOT NULL,
    volume BYTEA NOT NULL,
    start_count BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    capacity BIGINT NOT NULL,
    used BIGINT NOT NULL,
    trash BIGINT NOT NULL,
    free BIGINT NOT NULL,
    shards BIGINT NOT NULL,
    read_only BIGINT NOT NULL,
    software BYTEA NOT NULL,
    uplink_bits BIGINT NOT NULL
) -- sqlite: WITHOUT ROWID
;

-- What was learned of a node, and why it is lost; see meta_health.h.  state_before: when that began.
CREATE TABLE node_health (
    node BIGINT NOT NULL PRIMARY KEY,
    fence BIGINT NOT NULL,
    fenced_ms BIGINT NOT NULL,
    losses BIGINT NOT NULL,
    state_before BIGINT NOT NULL,
    presence BYTEA NOT NULL
) -- sqlite: WITHOUT ROWID
;

CREATE TABLE endpoint (
    node BIGINT NOT NULL,
    position BIGINT NOT NULL,
    kind BIGINT NOT NULL,
    host BYTEA NOT NULL,
    port BIGINT NOT NULL,
    verified_ms BIGINT NOT NULL,
    PRIMARY KEY (node, position)
) -- sqlite: WITHOUT ROWID
;

-- ---------------------------------------------------------------- what is to be moved

-- A plan of an operator; what its columns mean says meta_rebalance.h.  Rows go when many newer plans
-- have been made.
CREATE TABLE rebalance (
    plan BIGINT NOT NULL PRIMARY KEY,
    kind BIGINT NOT NULL,
    state BIGINT NOT NULL,
    starts BIGINT NOT NULL,
    bytes_max BIGINT NOT NULL,
    bandwidth BIGINT NOT NULL,
    fleet BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    changed_ms BIGINT NOT NULL,
    moves_planned BIGINT NOT NULL,
    bytes_planned BIGINT NOT NULL,
    stuck_planned BIGINT NOT NULL,
    least_before BIGINT NOT NULL,
    most_before BIGINT NOT NULL,
    least_after BIGINT NOT NULL,
    most_after BIGINT NOT NULL,
    violations_before BIGINT NOT NULL,
    violations_after BIGINT NOT NULL,
    line_ms BIGINT NOT NULL,
    pass BIGINT NOT NULL,
    pass_moves BIGINT NOT NULL,
    pass_left BIGINT NOT NULL,
    started_ms BIGINT NOT NULL,
    moves_done BIGINT NOT NULL,
    bytes_done BIGINT NOT NULL,
    profile BIGINT NOT NULL,
    disk_before BIGINT NOT NULL,
    disk_after BIGINT NOT NULL,
    cursor BYTEA NOT NULL,
    subject BYTEA NOT NULL,
    admin BYTEA NOT NULL,
    reason BYTEA NOT NULL
) -- sqlite: WITHOUT ROWID
;

-- What a plan wants of each node, and how much of it is left.
CREATE TABLE rebalance_share (
    plan BIGINT NOT NULL,
    node BIGINT NOT NULL,
    leaves BIGINT NOT NULL,
    held BIGINT NOT NULL,
    target BIGINT NOT NULL,
    give BIGINT NOT NULL,
    take BIGINT NOT NULL,
    PRIMARY KEY (plan, node)
) -- sqlite: WITHOUT ROWID
;
CREATE INDEX rebalance_share_of_node ON rebalance_share (node) WHERE leaves = 1;

-- ---------------------------------------------------------------- what customers see

-- key_version 0: an operator made it, and nobody has brought it a key yet.  A quota of 0 is none.
CREATE TABLE bucket (
    bucket BYTEA NOT NULL PRIMARY KEY,
    name BYTEA NOT NULL UNIQUE,
    tenant BYTEA NOT NULL,
    profile BIGINT NOT NULL,
    key_version BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    public_read BIGINT NOT NULL,
    quota_bytes BIGINT NOT NULL,
    quota_objects BIGINT NOT NULL
) -- sqlite: WITHOUT ROWID
;
CREATE INDEX bucket_of_tenant ON bucket (tenant, name);

CREATE TABLE bucket_key (
    bucket BYTEA NOT NULL,
    version BIGINT NOT NULL,
    wrapped BYTEA NOT NULL,
    PRIMARY KEY (bucket, version)
) -- sqlite: WITHOUT ROWID
;

-- Sums over lanes; a lane is the low bits of a body id, so that writers on several machines do
-- not queue for one row.  reserved: by uploads under way, which say what each of them has (intent,
-- upload); they count against a quota as if they were there.
CREATE TABLE usage (
    bucket BYTEA NOT NULL,
    lane BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    objects BIGINT NOT NULL,
    reserved_bytes BIGINT NOT NULL,
    reserved_objects BIGINT NOT NULL,
    PRIMARY KEY (bucket, lane)
) -- sqlite: WITHOUT ROWID
;

-- Versions of a key ascend from the newest.  Manifests are apart: listing reads a sixteenth of
-- the pages that way.
CREATE TABLE object_version (
    bucket BYTEA NOT NULL,
    key BYTEA NOT NULL,
    version BYTEA NOT NULL,
    size BIGINT NOT NULL,
    etag BYTEA NOT NULL,
    parts BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    body BYTEA NOT NULL,
    extent_count BIGINT NOT NULL,
    tags BYTEA NOT NULL,
    PRIMARY KEY (bucket, key, version)
) -- sqlite: WITHOUT ROWID
;

-- Manifests are large: a rowid table keeps them out of the inner pages of the key's tree.
CREATE TABLE body (
    body BYTEA NOT NULL PRIMARY KEY,
    bucket_key_version BIGINT NOT NULL,
    manifest BYTEA NOT NULL,
    extents BYTEA NOT NULL
);

-- Bodies that no version points to any more, until they are reaped.  What the version said is kept so
-- that a reader who began with it can finish, and, where is_kept is 1, so that it can be undeleted.
CREATE TABLE doomed (
    body BYTEA NOT NULL PRIMARY KEY,
    bucket BYTEA NOT NULL,
    key BYTEA NOT NULL,
    version BYTEA NOT NULL,
    size BIGINT NOT NULL,
    etag BYTEA NOT NULL,
    parts BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    extent_count BIGINT NOT NULL,
    extents_reaped BIGINT NOT NULL,
    due_ms BIGINT NOT NULL,
    doomed_ms BIGINT NOT NULL,
    is_kept BIGINT NOT NULL,
    tags BYTEA NOT NULL
) -- sqlite: WITHOUT ROWID
;
CREATE INDEX doomed_due ON doomed (due_ms);
CREATE INDEX doomed_of_key ON doomed (bucket, key, version);

-- An upload in parts. state: 1 open, 2 ended (completed, aborted or expired): its parts go.  due_ms:
-- when garbage collection comes to it; each part that arrives puts that off.
CREATE TABLE upload (
    upload BYTEA NOT NULL PRIMARY KEY,
    bucket BYTEA NOT NULL,
    key BYTEA NOT NULL,
    state BIGINT NOT NULL,
    bucket_key_version BIGINT NOT NULL,
    manifest BYTEA NOT NULL,
    tags BYTEA NOT NULL,
    created_ms BIGINT NOT NULL,
    due_ms BIGINT NOT NULL,
    reserved_objects BIGINT NOT NULL
) -- sqlite: WITHOUT ROWID
;
CREATE INDEX upload_of_bucket ON upload (bucket, key, upload);
CREATE INDEX upload_due ON upload (due_ms);

-- A part is a committed body without a key: a row of `body` that this names.
CREATE TABLE part (
    upload BYTEA NOT NULL,
    part BIGINT NOT NULL,
    size BIGINT NOT NULL,
    etag BYTEA NOT NULL,
    created_ms BIGINT NOT NULL,
    body BYTEA NOT NULL,
    extent_count BIGINT NOT NULL,
    PRIMARY KEY (upload, part)
) -- sqlite: WITHOUT ROWID
;

-- ---------------------------------------------------------------- where the bytes are

-- damaged: a bit for each slot whose own node says that the shard does not verify, or an audit
-- proved it; empty: none.  passed: likewise, whose shard an audit has found as it was stored.
-- doomed_refs: those of `refs` that belong to doomed bodies of few extents.  bucket: it was written for.
CREATE TABLE segment (
    segment BYTEA NOT NULL PRIMARY KEY,
    bucket BYTEA NOT NULL,
    profile BIGINT NOT NULL,
    codec BIGINT NOT NULL,
    k BIGINT NOT NULL,
    n BIGINT NOT NULL,
    length BIGINT NOT NULL,
    vk BYTEA NOT NULL,
    generation BIGINT NOT NULL,
    refs BIGINT NOT NULL,
    last_p BIGINT NOT NULL,
    sealed_ms BIGINT NOT NULL,
    dying_ms BIGINT NOT NULL,
    holders BYTEA NOT NULL,
    damaged BYTEA NOT NULL,
    passed BYTEA NOT NULL,
    doomed_refs BIGINT NOT NULL
) -- sqlite: WITHOUT ROWID
;
CREATE INDEX segment_dying ON segment (dying_ms) WHERE dying_ms > 0;

-- Those of its `refs` that come from copies in another bucket than its own.
CREATE TABLE segment_share (
    segment BYTEA NOT NULL,
    bucket BYTEA NOT NULL,
    refs BIGINT NOT NULL,
    PRIMARY KEY (segment, bucket)
) -- sqlite: WITHOUT ROWID
;

-- state: 1 open, 2 committed, 3 aborted.  due_ms: when the next duty of garbage collection for it
-- comes up: to abort it (open), to settle its segments, to forget it (settled).  part: 0, it writes an
-- object; else this part of this upload.  sealed_bytes: of its segments so far, counted where the
-- bucket has a quota, so that what nobody announced is reserved as it grows.
CREATE TABLE intent (
    intent BYTEA NOT NULL PRIMARY KEY,
    token BYTEA NOT NULL UNIQUE,
    tenant BYTEA NOT NULL,
    bucket BYTEA NOT NULL,
    key BYTEA NOT NULL,
    condition_kind BIGINT NOT NULL,
    condition_etag BYTEA NOT NULL,
    condition_parts BIGINT NOT NULL,
    profile BIGINT NOT NULL,
    state BIGINT NOT NULL,
    settled BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    due_ms BIGINT NOT NULL,
    part BIGINT NOT NULL,
    upload BYTEA NOT NULL,
    reserved_bytes BIGINT NOT NULL,
    reserved_objects BIGINT NOT NULL,
    sealed_bytes BIGINT NOT NULL
) -- sqlite: WITHOUT ROWID
;
CREATE INDEX intent_due ON intent (state, settled, due_ms);

-- Segments an intent has opened, until it is settled.
CREATE TABLE intent_segment (
    segment BYTEA NOT NULL PRIMARY KEY,
    intent BYTEA NOT NULL,
    vk BYTEA NOT NULL,
    k BIGINT NOT NULL,
    n BIGINT NOT NULL,
    w BIGINT NOT NULL,
    last_p BIGINT NOT NULL,
    sealed BIGINT NOT NULL
) -- sqlite: WITHOUT ROWID
;
CREATE INDEX intent_segment_of_intent ON intent_segment (intent, segment);

-- Placements somebody may be writing.  due_ms 0: belongs to a segment that is not sealed, its
-- intent decides; else the moment nobody can take it up any more, and it becomes a dead shard.
CREATE TABLE offer (
    segment BYTEA NOT NULL,
    slot BIGINT NOT NULL,
    p BIGINT NOT NULL,
    node BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    due_ms BIGINT NOT NULL,
    PRIMARY KEY (segment, slot, p)
) -- sqlite: WITHOUT ROWID
;
CREATE INDEX offer_due ON offer (due_ms) WHERE due_ms > 0;

-- Shards a node may trash, by name (D5).  The row goes when the node says they are gone.  bytes: of cells
-- and tags; 0: not known, or never stored.
CREATE TABLE dead_shard (
    node BIGINT NOT NULL,
    shard BYTEA NOT NULL,
    not_before_ms BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    PRIMARY KEY (node, shard)
) -- sqlite: WITHOUT ROWID
;

-- ---------------------------------------------------------------- the sweep

-- The pass over all segments that is under way, or was the last.
CREATE TABLE sweep_pass (
    one BIGINT NOT NULL PRIMARY KEY,
    pass BIGINT NOT NULL,
    started_ms BIGINT NOT NULL
) -- sqlite: WITHOUT ROWID
;

-- How far it is in each part of the ids, which have been read up to read_to.  holder: who reads it until leased_ms.
CREATE TABLE sweep_range (
    part BIGINT NOT NULL PRIMARY KEY,
    read_to BYTEA NOT NULL,
    done BIGINT NOT NULL,
    holder BYTEA NOT NULL,
    leased_ms BIGINT NOT NULL
) -- sqlite: WITHOUT ROWID
;

-- ---------------------------------------------------------------- repair

-- Segments that are due, as the sweep found them.
CREATE TABLE repair_queue (
    segment BYTEA NOT NULL PRIMARY KEY,
    urgency BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    queued_ms BIGINT NOT NULL
) -- sqlite: WITHOUT ROWID
;
CREATE INDEX repair_queue_urgency ON repair_queue (urgency);

-- asked_ms: since when an operator wants everything at n.
CREATE TABLE repair_state (
    one BIGINT NOT NULL PRIMARY KEY,
    asked_ms BIGINT NOT NULL
) -- sqlite: WITHOUT ROWID
;

-- What came of holding a node's word against the layout, the last time.
CREATE TABLE reconciled (
    node BIGINT NOT NULL PRIMARY KEY,
    epoch BIGINT NOT NULL,
    as_of_ms BIGINT NOT NULL,
    shards BIGINT NOT NULL,
    unwanted BIGINT NOT NULL,
    ahead BIGINT NOT NULL,
    missing BIGINT NOT NULL,
    wanted_in_trash BIGINT NOT NULL
) -- sqlite: WITHOUT ROWID
;

-- ---------------------------------------------------------------- what happened

-- What a call with this token did (D4).  subject: a digest of what it was about.
CREATE TABLE outcome (
    token BYTEA NOT NULL PRIMARY KEY,
    subject BYTEA NOT NULL,
    result BYTEA NOT NULL,
    expires_ms BIGINT NOT NULL
) -- sqlite: WITHOUT ROWID
;
CREATE INDEX outcome_expires ON outcome (expires_ms);

-- ---------------------------------------------------------------- what audits brought

-- What is thought of a node.  pass to withheld: decayed counts, in millionths; passes to
-- unknowns: how many audits of all time came to what; streak: passes since the last fail.
CREATE TABLE audit_node (
    node BIGINT NOT NULL PRIMARY KEY,
    pass BIGINT NOT NULL,
    fail BIGINT NOT NULL,
    answer BIGINT NOT NULL,
    trouble BIGINT NOT NULL,
    withheld BIGINT NOT NULL,
    nones BIGINT NOT NULL,
    passes BIGINT NOT NULL,
    fails BIGINT NOT NULL,
    offlines BIGINT NOT NULL,
    containments BIGINT NOT NULL,
    unknowns BIGINT NOT NULL,
    streak BIGINT NOT NULL,
    suspensions BIGINT NOT NULL,
    suspended_ms BIGINT NOT NULL,
    last_ms BIGINT NOT NULL
) -- sqlite: WITHOUT ROWID
;

-- Cells that were asked for and did not come: asked for again before anything else of their node.
-- strikes: how many others came and this did not; asked: the questions that count.
CREATE TABLE audit_contained (
    node BIGINT NOT NULL,
    segment BYTEA NOT NULL,
    slot BIGINT NOT NULL,
    p BIGINT NOT NULL,
    first_stripe BIGINT NOT NULL,
    stripes BIGINT NOT NULL,
    strikes BIGINT NOT NULL,
    since_ms BIGINT NOT NULL,
    due_ms BIGINT NOT NULL,
    asked BYTEA NOT NULL,
    PRIMARY KEY (node, segment, slot, first_stripe)
) -- sqlite: WITHOUT ROWID
;

-- Why a node was convicted: records that can be checked elsewhere.
CREATE TABLE audit_evidence (
    node BIGINT NOT NULL,
    judged_ms BIGINT NOT NULL,
    evidence BYTEA NOT NULL,
    fault BIGINT NOT NULL,
    record BYTEA NOT NULL,
    PRIMARY KEY (node, judged_ms, evidence)
);
