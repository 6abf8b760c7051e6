-- minimal schema the SQL corpus refers to
CREATE TABLE users(id serial PRIMARY KEY, name text, email text, created_at timestamptz DEFAULT now());
INSERT INTO users(name,email) SELECT 'user '||g, 'u'||g||'@example.test' FROM generate_series(1,20) g;
CREATE TABLE orders(id serial PRIMARY KEY, user_id int REFERENCES users ON DELETE CASCADE, total numeric(12,2), created_at timestamptz DEFAULT now(), meta jsonb DEFAULT '{"k":1,"a":2,"items":[1,2],"note":"user 1 late delivery"}');
INSERT INTO orders(user_id,total) SELECT (g%20)+1, g FROM generate_series(1,200) g;
CREATE INDEX orders_meta_gin ON orders USING gin(meta);
CREATE TABLE orders_big AS SELECT g AS id, md5(g::text) AS pad FROM generate_series(1,200000) g;
CREATE TABLE people(id int, ssn text); INSERT INTO people VALUES (1,'123-45-6789'),(2,'987-65-4321');
CREATE TABLE "Order Items"("Größe" text, "Order No" int); INSERT INTO "Order Items" VALUES ('L',1);
CREATE TABLE "we""ird"(x int);
CREATE SEQUENCE order_seq;
CREATE MATERIALIZED VIEW user_stats AS SELECT count(*) FROM users;
CREATE FUNCTION order_total(uid int) RETURNS numeric LANGUAGE sql STABLE AS 'SELECT sum(total) FROM orders WHERE user_id=uid';
CREATE FUNCTION purge_users() RETURNS int LANGUAGE plpgsql AS 'BEGIN DELETE FROM orders; DELETE FROM users; RETURN 1; END';
CREATE FUNCTION sd_purge() RETURNS int LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN DELETE FROM orders; DELETE FROM users; RETURN 1; END';
CREATE PROCEDURE wipe_users() LANGUAGE plpgsql AS 'BEGIN DELETE FROM orders; DELETE FROM users; COMMIT; END';
CREATE VIEW v_purge AS SELECT purge_users();
