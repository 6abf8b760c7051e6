-- Tells listeners which rows of a table change, for PostgreSQL 13 and later.
--
-- Wharf listens on the channel "wharf_rows" and tells MCP clients that subscribed to a row's address,
-- db://DATABASE/TABLE/KEY, that it is new, different or gone. A message names the row and holds nothing else of it:
--
--   {"schema": "public", "table": "users", "id": ["42"]}
--
-- "id" holds the values of the primary key in key order, each as ::text writes it; bytea as 0x and hexadecimal digits.
--
-- To install, run this file once as the owner of the tables (any role that may create functions in the schema):
--
--   psql --set ON_ERROR_STOP=1 --file notify_row_changes.sql "$DATABASE_URL"
--
-- and then, for each table whose rows clients may watch:
--
--   CREATE TRIGGER wharf_row_changes AFTER INSERT OR UPDATE OR DELETE ON public.users
--       FOR EACH ROW EXECUTE FUNCTION wharf_notify_row_change();
--
-- On a partitioned table the trigger belongs on the parent. To stop: DROP TRIGGER wharf_row_changes ON public.users.
--
-- Good to know:
-- * A message leaves when its transaction commits, once for each row; what is rolled back is never told.
-- * Whoever can connect to this database can LISTEN and read the keys of changed rows, and can NOTIFY and make clients
--   read a row again. Do not put the trigger on a table whose keys are secret.
-- * The trigger costs about 0.05 ms for each row. A statement that changes a million rows sends a million messages, and a commit that sends any takes a lock that all
--   such commits share. It is meant for tables that people watch, not for bulk loads.
-- * A table without a primary key, and a key of more than about 7,900 bytes, tell nothing; the write goes on.
-- * A key of type timestamptz is written in the time zone of whoever changes the row. Give Wharf's role and the writers the
--   same one, or the addresses differ.
-- * TRUNCATE tells nothing.

BEGIN;

CREATE OR REPLACE FUNCTION wharf_notify_row_change() RETURNS trigger
    LANGUAGE plpgsql
    -- Nothing that a writer has in front of pg_catalog is called, and keys are written the same whoever writes.
    SET search_path = pg_catalog, pg_temp
    SET datestyle = 'ISO, MDY'
    SET intervalstyle = 'postgres'
    SET bytea_output = 'hex'
AS $$
DECLARE
    -- Where the key is described: the row's own table, or the partitioned table that the trigger came from.
    relation oid := TG_RELID;
    parent oid;
    parts text;
    schema_name text;
    table_name text;
    old_id jsonb;
    new_id jsonb;
    message text;
BEGIN
    -- A partition's rows are addressed through the table that people query.
    LOOP
        SELECT i.inhparent INTO parent
          FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
         WHERE i.inhrelid = relation AND c.relispartition;
        EXIT WHEN parent IS NULL;
        relation := parent;
        parent := NULL;
    END LOOP;

    SELECT n.nspname, c.relname INTO schema_name, table_name
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relation;

    SELECT string_agg(
               CASE WHEN a.atttypid = 'bytea'::regtype
                    THEN format('''0x'' || encode(($1).%I, ''hex'')', a.attname)
                    ELSE format('($1).%I::text', a.attname)
               END, ', ' ORDER BY k.position)
      INTO parts
      FROM pg_index i
      CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, position)
      JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
     WHERE i.indrelid = relation AND i.indisprimary AND k.position <= i.indnkeyatts;
    IF parts IS NULL THEN
        RETURN NULL;
    END IF;

    IF TG_OP <> 'INSERT' THEN
        EXECUTE 'SELECT jsonb_build_array(' || parts || ')' INTO old_id USING OLD;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        EXECUTE 'SELECT jsonb_build_array(' || parts || ')' INTO new_id USING NEW;
    END IF;

    -- A changed key is one row that is gone and one that is new.
    IF old_id IS NOT NULL AND old_id IS DISTINCT FROM new_id THEN
        message := jsonb_build_object('schema', schema_name, 'table', table_name, 'id', old_id)::text;
        IF octet_length(message) < 8000 THEN
            PERFORM pg_notify('wharf_rows', message);
        END IF;
    END IF;
    IF new_id IS NOT NULL THEN
        message := jsonb_build_object('schema', schema_name, 'table', table_name, 'id', new_id)::text;
        IF octet_length(message) < 8000 THEN
            PERFORM pg_notify('wharf_rows', message);
        END IF;
    END IF;
    -- The result of a trigger that runs afterwards is not looked at.
    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION wharf_notify_row_change() IS
    'Trigger function: tells listeners of the channel wharf_rows which row changed.';

COMMIT;
