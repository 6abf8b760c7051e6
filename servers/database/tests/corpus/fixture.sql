CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT, email TEXT, created_at TEXT DEFAULT CURRENT_TIMESTAMP);
INSERT INTO users(name,email) VALUES ('user 1','u1@example.test'),('user 2','u2@example.test');
CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id), total REAL);
INSERT INTO orders(user_id,total) VALUES (1,10.5),(2,20);

-- What the shared fixture lacks: names that look like attacks, a view, a trigger, generated columns,
-- a self reference, a full-text index, an R-tree and values that are hard to carry.
CREATE TABLE "we""ird"("delete" INTEGER, "drop table" TEXT DEFAULT 'x;y', "sel ect" BLOB);
INSERT INTO "we""ird" VALUES (1, '; DELETE FROM users; --', x'00ff');
CREATE VIEW user_totals AS SELECT u.id, u.name, sum(o.total) AS total FROM users u LEFT JOIN orders o ON o.user_id = u.id GROUP BY u.id;
CREATE TABLE audit(what TEXT);
CREATE TRIGGER log_users AFTER INSERT ON users BEGIN INSERT INTO audit VALUES ('insert'); END;
CREATE TRIGGER write_through INSTEAD OF DELETE ON user_totals BEGIN DELETE FROM users; END;
CREATE TABLE boxes(
  id INTEGER PRIMARY KEY,
  width REAL NOT NULL CHECK (width > 0),
  height REAL NOT NULL CHECK (height IN (1, 2, 3)),
  area REAL GENERATED ALWAYS AS (width * height) STORED,
  parent INTEGER REFERENCES boxes ON DELETE CASCADE,
  label TEXT DEFAULT ('a' || 'b'),
  UNIQUE (width, height)
);
INSERT INTO boxes(id, width, height) VALUES (1, 2, 3);
CREATE INDEX boxes_by_label ON boxes(lower(label)) WHERE label IS NOT NULL;
CREATE VIRTUAL TABLE notes USING fts5(title, body);
INSERT INTO notes VALUES ('harbour', 'ships in the wharf'), ('sea', 'ships at sea');
CREATE VIRTUAL TABLE places USING rtree(id, west, east, south, north);
INSERT INTO places VALUES (1, 0, 10, 0, 10);
-- Without an index there is nothing that REINDEX would write.
CREATE INDEX users_by_name ON users(name);
CREATE TABLE numbers(n INTEGER PRIMARY KEY);
INSERT INTO numbers WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 1000) SELECT n FROM c;
