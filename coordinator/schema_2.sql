-- schema_2.sql - version 2: uploads in parts, and tags.  The rules of schema.sql hold; once released
-- it does not change.

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
    due_ms BIGINT NOT NULL
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

-- What an intent writes: part 0 is an object, else this part of this upload.
ALTER TABLE intent ADD COLUMN part BIGINT NOT NULL DEFAULT 0;
ALTER TABLE intent ADD COLUMN upload BYTEA NOT NULL DEFAULT '';

ALTER TABLE object_version ADD COLUMN tags BYTEA NOT NULL DEFAULT '';
