-- schema_3.sql - version 3: what a segment's holders said of themselves, and segments nobody wants any
-- more.  The rules of schema.sql hold; once released it does not change.

-- damaged: a bit for each slot whose own node says that the shard does not verify; empty: none.
ALTER TABLE segment ADD COLUMN damaged BYTEA NOT NULL DEFAULT '';
-- sqlite: UPDATE segment SET damaged = X'';

-- doomed_refs: those of `refs` that belong to doomed bodies of few extents.
ALTER TABLE segment ADD COLUMN doomed_refs BIGINT NOT NULL DEFAULT 0;
