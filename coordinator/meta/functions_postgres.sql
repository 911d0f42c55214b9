-- functions_postgres.sql - what statements.h calls and PostgreSQL does not have: the same as
-- meta_list_seek.c.

CREATE FUNCTION list_seek(key BYTEA, prefix BYTEA, delimiter BYTEA) RETURNS BYTEA
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    at BIGINT := 0;
    common BYTEA;
BEGIN
    IF length(delimiter) > 0 THEN
        at := position(delimiter IN substr(key, length(prefix) + 1));
    END IF;
    IF at = 0 THEN
        RETURN key || '\x00'::bytea;
    END IF;
    common := substr(key, 1, (length(prefix) + at + length(delimiter) - 1)::int);
    WHILE length(common) > 0 AND get_byte(common, length(common) - 1) = 255 LOOP
        common := substr(common, 1, length(common) - 1);
    END LOOP;
    IF length(common) = 0 THEN
        RETURN NULL;
    END IF;
    RETURN set_byte(common, length(common) - 1, get_byte(common, length(common) - 1) + 1);
END
$$;
