-- Objects behind which an attack can hide. Each is what a careless owner of a database could have made.
CREATE FUNCTION volatile_int(int) RETURNS int LANGUAGE plpgsql VOLATILE AS 'BEGIN DELETE FROM orders; RETURN $1; END';
CREATE FUNCTION volatile_text(text) RETURNS text LANGUAGE plpgsql VOLATILE AS 'BEGIN DELETE FROM orders; RETURN $1; END';

-- views in views, and views that lock, read secrets or files
CREATE VIEW v_outer AS SELECT * FROM v_purge;
CREATE VIEW v_outermost AS WITH w AS (SELECT * FROM v_outer) SELECT count(*) FROM w;
CREATE VIEW v_secret AS SELECT rolname, rolpassword FROM pg_catalog.pg_authid;
CREATE VIEW v_file AS SELECT pg_read_file('PG_VERSION') AS content;
CREATE VIEW v_lock AS SELECT * FROM users FOR UPDATE;
CREATE VIEW v_roles AS SELECT rolname FROM pg_roles;
CREATE VIEW v_users AS SELECT id, name FROM users;
CREATE VIEW v_users_outer AS SELECT u.name, order_total(u.id) AS total FROM v_users u;
CREATE MATERIALIZED VIEW m_file AS SELECT pg_read_file('PG_VERSION') AS content WITH NO DATA;

-- operators, casts, aggregates, domains, types and opclasses
CREATE FUNCTION op_volatile(text, text) RETURNS boolean LANGUAGE plpgsql VOLATILE AS 'BEGIN DELETE FROM orders; RETURN true; END';
CREATE OPERATOR ~~~> (LEFTARG = text, RIGHTARG = text, FUNCTION = op_volatile);
CREATE TYPE pair AS (a int, b int);
CREATE FUNCTION pair_volatile(pair) RETURNS int LANGUAGE plpgsql VOLATILE AS 'BEGIN DELETE FROM orders; RETURN 1; END';
CREATE CAST (pair AS int) WITH FUNCTION pair_volatile(pair) AS IMPLICIT;
CREATE FUNCTION agg_step(int, int) RETURNS int LANGUAGE plpgsql VOLATILE AS 'BEGIN DELETE FROM orders; RETURN 1; END';
CREATE AGGREGATE agg_volatile(int) (SFUNC = agg_step, STYPE = int, INITCOND = '0');
CREATE FUNCTION agg_final(int) RETURNS text LANGUAGE sql STABLE AS 'SELECT pg_read_file(''PG_VERSION'')';
CREATE AGGREGATE agg_file(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0', FINALFUNC = agg_final);
CREATE AGGREGATE agg_good(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');
CREATE FUNCTION check_volatile(int) RETURNS boolean LANGUAGE plpgsql VOLATILE AS 'BEGIN DELETE FROM orders; RETURN true; END';
CREATE DOMAIN checked AS int CHECK (check_volatile(VALUE));
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TYPE holder AS (inner_value checked);
CREATE FUNCTION mood_cmp(pair, pair) RETURNS int LANGUAGE plpgsql VOLATILE AS 'BEGIN DELETE FROM orders; RETURN 0; END';
CREATE FUNCTION pair_lt(pair, pair) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT false';
CREATE FUNCTION pair_eq(pair, pair) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE OPERATOR <! (LEFTARG = pair, RIGHTARG = pair, FUNCTION = pair_lt);
CREATE OPERATOR =! (LEFTARG = pair, RIGHTARG = pair, FUNCTION = pair_eq);
CREATE OPERATOR CLASS pair_ops DEFAULT FOR TYPE pair USING btree AS OPERATOR 1 <!, OPERATOR 3 =!, FUNCTION 1 mood_cmp(pair, pair);
CREATE TYPE jmood AS ENUM ('a');
CREATE FUNCTION jmood_json(jmood) RETURNS json LANGUAGE plpgsql VOLATILE AS 'BEGIN DELETE FROM orders; RETURN ''1''; END';
CREATE CAST (jmood AS json) WITH FUNCTION jmood_json(jmood);
CREATE TABLE jmoods(j jmood); INSERT INTO jmoods VALUES ('a');
CREATE TYPE epair AS (a int, b int);
CREATE FUNCTION epair_eq(epair, epair) RETURNS boolean LANGUAGE plpgsql VOLATILE AS 'BEGIN DELETE FROM orders; RETURN true; END';
CREATE FUNCTION epair_hash(epair) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE OPERATOR ==! (LEFTARG = epair, RIGHTARG = epair, FUNCTION = epair_eq);
CREATE OPERATOR CLASS epair_ops DEFAULT FOR TYPE epair USING hash AS OPERATOR 1 ==!, FUNCTION 1 epair_hash(epair);
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');

-- functions that claim to be stable
CREATE FUNCTION stable_file() RETURNS text LANGUAGE sql STABLE AS 'SELECT pg_read_file(''PG_VERSION'')';
CREATE FUNCTION stable_file_atomic() RETURNS text LANGUAGE sql STABLE BEGIN ATOMIC SELECT pg_read_file('PG_VERSION'); END;
CREATE FUNCTION stable_file_plpgsql() RETURNS text LANGUAGE plpgsql STABLE AS 'BEGIN RETURN pg_read_file(''PG_VERSION''); END';
CREATE FUNCTION stable_quoted() RETURNS text LANGUAGE plpgsql STABLE AS 'BEGIN RETURN "pg_read_file"(''PG_VERSION''); END';
CREATE FUNCTION stable_dynamic(q text) RETURNS text LANGUAGE plpgsql STABLE AS 'DECLARE r text; BEGIN EXECUTE q INTO r; RETURN r; END';
CREATE FUNCTION stable_chain() RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT stable_file_plpgsql()';
CREATE FUNCTION stable_calls_volatile() RETURNS int LANGUAGE plpgsql STABLE AS 'BEGIN RETURN purge_users(); END';
CREATE FUNCTION stable_sees_secret() RETURNS text LANGUAGE plpgsql STABLE AS 'BEGIN RETURN (SELECT string_agg(rolpassword, '','') FROM pg_authid); END';
CREATE FUNCTION stable_view() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM v_file';
CREATE FUNCTION stable_operator() RETURNS boolean LANGUAGE plpgsql STABLE AS 'BEGIN RETURN ''a''::text ~~~> ''b''::text; END';
CREATE FUNCTION any_file(anyelement) RETURNS text LANGUAGE sql STABLE AS 'SELECT pg_read_file(''PG_VERSION'')';
CREATE FUNCTION any_same(anyelement) RETURNS anyelement LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE FUNCTION default_volatile(a int DEFAULT volatile_int(1)) RETURNS int LANGUAGE sql STABLE AS 'SELECT 1';
CREATE FUNCTION internal_alias(text) RETURNS text LANGUAGE internal STABLE AS 'pg_read_file_all';
CREATE FUNCTION secdef_stable() RETURNS int LANGUAGE sql STABLE SECURITY DEFINER AS 'SELECT 1';
CREATE FUNCTION sets_role() RETURNS int LANGUAGE sql STABLE SET role = 'postgres' AS 'SELECT 1';
CREATE FUNCTION copies() RETURNS int LANGUAGE plpgsql STABLE AS 'BEGIN COPY users TO PROGRAM ''cat''; RETURN 1; END';
CREATE FUNCTION good_plpgsql(x int) RETURNS int LANGUAGE plpgsql STABLE AS 'DECLARE n int; BEGIN SELECT count(*) INTO n FROM users WHERE id <= x; RETURN n; END';
CREATE FUNCTION good_table() RETURNS TABLE(id int, label text) LANGUAGE sql STABLE AS 'SELECT id, name FROM users ORDER BY id LIMIT 2';
CREATE FUNCTION good_out(IN a int, OUT b int, OUT c text) LANGUAGE sql IMMUTABLE AS 'SELECT a + 1, ''x''';
CREATE FUNCTION good_variadic(VARIADIC int[]) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT sum(x) FROM unnest($1) x';
CREATE FUNCTION good_path() RETURNS bigint LANGUAGE sql STABLE SET search_path = public AS 'SELECT count(*) FROM users';
-- the server does not look into a body of text that nobody calls
CREATE FUNCTION ends_itself() RETURNS int LANGUAGE sql STABLE AS 'SELECT 1; END; COMMIT; BEGIN READ WRITE; DELETE FROM public.orders; COMMIT; BEGIN; SELECT 1';
CREATE FUNCTION good_steps() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT 1; SELECT count(*) FROM users;';

-- what the server runs while it only analyses a statement; a file in its folder would tell
CREATE FUNCTION leave_file(text) RETURNS boolean LANGUAGE plpgsql VOLATILE AS 'BEGIN COPY (SELECT 1) TO PROGRAM ''touch pwned''; RETURN true; END';
CREATE DOMAIN filed AS int CHECK (leave_file(VALUE::text));
CREATE TYPE filed_row AS (a filed);
CREATE TABLE filed_table(a filed, j jsonb);
CREATE FUNCTION takes_filed(filed_row) RETURNS int LANGUAGE sql STABLE AS 'SELECT 1';
SET check_function_bodies = off;
CREATE FUNCTION holds_text() RETURNS int LANGUAGE sql STABLE AS $$SELECT 1 FROM (SELECT '(1)'::filed_row) x$$;
CREATE FUNCTION converts_result() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT ROW(1,2)::cast_pair';
RESET check_function_bodies;
CREATE FUNCTION good_text() RETURNS int LANGUAGE plpgsql STABLE AS $$BEGIN RETURN '{"a":1}'::jsonb ->> 'a'; END$$;

-- what it applies without a name: casts, negators, operator classes of its own types, values of any type
CREATE TYPE cast_pair AS (a int, b int);
CREATE FUNCTION cast_file(cast_pair) RETURNS bigint LANGUAGE plpgsql VOLATILE AS 'BEGIN PERFORM leave_file(''''); RETURN 1; END';
CREATE CAST (cast_pair AS bigint) WITH FUNCTION cast_file(cast_pair) AS ASSIGNMENT;
CREATE FUNCTION assigns() RETURNS bigint LANGUAGE plpgsql STABLE AS 'DECLARE x bigint; BEGIN x := ROW(1,2)::cast_pair; RETURN x; END';
CREATE FUNCTION looks_same(circle, circle) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN true; END';
CREATE FUNCTION looks_other(circle, circle) RETURNS boolean LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN leave_file(''''); END';
CREATE OPERATOR ==== (LEFTARG = circle, RIGHTARG = circle, FUNCTION = looks_same, NEGATOR = !====);
CREATE OPERATOR !==== (LEFTARG = circle, RIGHTARG = circle, FUNCTION = looks_other, NEGATOR = ====);
CREATE TABLE circles(c circle); INSERT INTO circles VALUES (circle '((0,0),1)');
CREATE FUNCTION line_lt(line, line) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT false';
CREATE FUNCTION line_same(line, line) RETURNS boolean LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN leave_file(''''); END';
CREATE FUNCTION line_order(line, line) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 0';
CREATE OPERATOR <<<! (LEFTARG = line, RIGHTARG = line, FUNCTION = line_lt);
CREATE OPERATOR ===! (LEFTARG = line, RIGHTARG = line, FUNCTION = line_same);
CREATE OPERATOR CLASS line_ops DEFAULT FOR TYPE line USING btree AS OPERATOR 1 <<<!, OPERATOR 3 ===!, FUNCTION 1 line_order(line, line);
CREATE TYPE known_mood AS ENUM ('a', 'b');
CREATE FUNCTION known_mood_json(known_mood) RETURNS json LANGUAGE plpgsql VOLATILE AS 'BEGIN PERFORM leave_file(''''); RETURN ''1''; END';
CREATE CAST (known_mood AS json) WITH FUNCTION known_mood_json(known_mood);
CREATE TABLE known_moods(m known_mood);
INSERT INTO known_moods SELECT 'a'::known_mood FROM generate_series(1, 50) UNION ALL SELECT 'b' FROM generate_series(1, 50);
ANALYZE known_moods;

-- names in bodies as the server reads them
CREATE FUNCTION "Évil"() RETURNS int LANGUAGE plpgsql VOLATILE AS 'BEGIN PERFORM leave_file(''''); RETURN 1; END';
CREATE FUNCTION a_name_that_is_exactly_as_long_as_the_server_keeps_names_to_be_() RETURNS int LANGUAGE plpgsql VOLATILE AS 'BEGIN PERFORM leave_file(''''); RETURN 1; END';
CREATE FUNCTION pair_other(cast_pair, cast_pair) RETURNS boolean LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN leave_file(''''); END';
CREATE OPERATOR <> (LEFTARG = cast_pair, RIGHTARG = cast_pair, FUNCTION = pair_other);
CREATE FUNCTION number_same(int, int) RETURNS boolean LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN leave_file(''''); END';
CREATE OPERATOR ==== (LEFTARG = int, RIGHTARG = int, FUNCTION = number_same);
CREATE FUNCTION opaque_type() RETURNS int LANGUAGE plpgsql STABLE AS 'DECLARE x filed; BEGIN x := 1; RETURN x; END';
CREATE FUNCTION opaque_row() RETURNS int LANGUAGE plpgsql STABLE AS 'DECLARE x filed_table%ROWTYPE; BEGIN x.a := 1; RETURN 1; END';
CREATE FUNCTION opaque_letters() RETURNS int LANGUAGE plpgsql STABLE AS 'BEGIN RETURN Évil(); END';
CREATE FUNCTION opaque_length() RETURNS int LANGUAGE plpgsql STABLE
  AS 'BEGIN RETURN a_name_that_is_exactly_as_long_as_the_server_keeps_names_to_be_12345(); END';
CREATE FUNCTION opaque_minus() RETURNS boolean LANGUAGE plpgsql STABLE AS 'BEGIN RETURN 1 ====- 1; END';
CREATE FUNCTION opaque_not_equal() RETURNS boolean LANGUAGE plpgsql STABLE AS 'BEGIN RETURN ROW(1,2)::cast_pair != ROW(1,3)::cast_pair; END';

-- names that look like PostgreSQL's own
CREATE SCHEMA shadow;
CREATE FUNCTION shadow.lower(text) RETURNS text LANGUAGE plpgsql VOLATILE AS 'BEGIN DELETE FROM orders; RETURN $1; END';
CREATE FUNCTION public.upper(pair) RETURNS text LANGUAGE plpgsql VOLATILE AS 'BEGIN DELETE FROM orders; RETURN 1; END';
CREATE FUNCTION public.lower(name) RETURNS text LANGUAGE plpgsql VOLATILE AS 'BEGIN DELETE FROM orders; RETURN 1; END';
CREATE FUNCTION public.touched(people) RETURNS text LANGUAGE plpgsql VOLATILE AS 'BEGIN DELETE FROM orders; RETURN 1; END';

-- row security whose policy calls a volatile function
CREATE TABLE guarded(id int); INSERT INTO guarded VALUES (1);
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON guarded FOR SELECT USING (check_volatile(id));
CREATE TABLE plain_policy(id int); INSERT INTO plain_policy VALUES (1);
ALTER TABLE plain_policy ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON plain_policy FOR SELECT USING (id > 0);

-- partitions, one of them elsewhere
CREATE EXTENSION file_fdw;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE passwd(line text) SERVER files OPTIONS (filename '/etc/passwd');
CREATE TABLE parted(k int, v text) PARTITION BY LIST (k);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
INSERT INTO parted VALUES (1, 'one');
CREATE FOREIGN TABLE parted_2 PARTITION OF parted FOR VALUES IN (2) SERVER files OPTIONS (filename '/etc/passwd');
CREATE TABLE measured(k int, v text) PARTITION BY RANGE (k);
CREATE TABLE measured_1 PARTITION OF measured FOR VALUES FROM (0) TO (10);
INSERT INTO measured VALUES (1, 'one');

-- what the planner works out when it reads a table
CREATE TABLE traces(n int);
CREATE FUNCTION leave_trace(int) RETURNS int LANGUAGE plpgsql VOLATILE AS 'BEGIN INSERT INTO public.traces VALUES ($1); RETURN $1; END';
CREATE FUNCTION claims_immutable(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN public.leave_trace($1); END';
CREATE FUNCTION inlined(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT public.claims_immutable(1)';
CREATE FUNCTION plus_one(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1 + 1; END';
CREATE TABLE planned_index(x int); CREATE INDEX ON planned_index ((x + claims_immutable(1)));
CREATE TABLE planned_predicate(x int); CREATE INDEX ON planned_predicate (x) WHERE x > claims_immutable(1);
CREATE TABLE planned_inlined(x int); CREATE INDEX ON planned_inlined (inlined(x));
CREATE TABLE planned_statistics(x int, y int); CREATE STATISTICS planned_s ON (x + claims_immutable(1)), y FROM planned_statistics;
CREATE TABLE planned_check(x int CHECK (x > claims_immutable(1)));
CREATE TABLE planned_key(x int) PARTITION BY RANGE ((x + claims_immutable(1)));
CREATE TABLE planned_parent(x int); CREATE TABLE planned_heir() INHERITS (planned_parent);
CREATE TABLE planned_grandchild() INHERITS (planned_heir); CREATE INDEX ON planned_grandchild ((x + claims_immutable(1)));
CREATE VIEW planned_view AS SELECT x FROM planned_index;
CREATE TABLE planned_good(x int CHECK (x > plus_one(0)), y text); INSERT INTO planned_good VALUES (2, 'a');
CREATE INDEX ON planned_good (plus_one(x)); CREATE INDEX ON planned_good (lower(y)) WHERE x > 1;
CREATE TYPE hashed AS (a int);
CREATE FUNCTION hashed_eq(hashed, hashed) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE OPERATOR =#= (LEFTARG = hashed, RIGHTARG = hashed, FUNCTION = hashed_eq);
CREATE FUNCTION claims_hash(hashed, int8) RETURNS int8 LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN public.leave_trace(1); END';
CREATE OPERATOR CLASS hashed_ops FOR TYPE hashed USING hash AS OPERATOR 1 =#=, FUNCTION 2 claims_hash(hashed, int8);
CREATE TABLE planned_hash(x hashed) PARTITION BY HASH (x hashed_ops);
CREATE TABLE planned_hash_1 PARTITION OF planned_hash FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TYPE span AS RANGE (SUBTYPE = int4);

-- extensions
CREATE EXTENSION tablefunc;
CREATE EXTENSION dblink;
CREATE EXTENSION pageinspect;
-- gone since 17
DO $$ BEGIN IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'adminpack') THEN CREATE EXTENSION adminpack; END IF; END $$;
CREATE EXTENSION hstore;
CREATE EXTENSION citext;
CREATE EXTENSION pg_trgm;
CREATE EXTENSION xml2;
CREATE EXTENSION pgrowlocks;
CREATE EXTENSION lo;
CREATE EXTENSION isn;
CREATE EXTENSION pgcrypto;
CREATE EXTENSION "uuid-ossp";
CREATE TABLE exotic(h hstore, c citext, m mood, d positive); INSERT INTO exotic VALUES ('a=>1', 'Mixed', 'ok', 5);
ANALYZE users;
