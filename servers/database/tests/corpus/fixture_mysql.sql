CREATE TABLE users(id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(100), email VARCHAR(200) COMMENT 'where to write', created_at TIMESTAMP DEFAULT current_timestamp());
INSERT INTO users(name, email) SELECT concat('user ', seq), concat('u', seq, '@example.test') FROM seq_1_to_20 ORDER BY seq;
CREATE TABLE orders(id INT AUTO_INCREMENT PRIMARY KEY, user_id INT, total DECIMAL(12,2), created_at TIMESTAMP DEFAULT current_timestamp(), meta JSON DEFAULT '{"k":1,"a":2,"items":[1,2],"note":"user 1 late delivery"}', CONSTRAINT orders_user FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE);
INSERT INTO orders(user_id, total) SELECT (seq % 20) + 1, seq FROM seq_1_to_200 ORDER BY seq;
CREATE TABLE orders_big AS SELECT seq AS id, md5(seq) AS pad FROM seq_1_to_20000;
CREATE TABLE people(id INT, ssn VARCHAR(20));
INSERT INTO people VALUES (1, '123-45-6789'), (2, '987-65-4321');
CREATE TABLE `Order Items`(`Größe` VARCHAR(5), `Order No` INT);
INSERT INTO `Order Items` VALUES ('L', 1);
CREATE TABLE `we"ird`(x INT);
CREATE TABLE `we``ird`(`delete` INT, `drop table` VARCHAR(20) DEFAULT 'x;y', `sel ect` BLOB);
INSERT INTO `we``ird` VALUES (1, '; DELETE', x'00ff');
CREATE SEQUENCE order_seq;
CREATE TABLE audit(what VARCHAR(50)) ENGINE = MyISAM;
CREATE TABLE boxes(
  id INT AUTO_INCREMENT PRIMARY KEY,
  width DOUBLE NOT NULL CHECK (width > 0),
  height DOUBLE NOT NULL,
  area DOUBLE GENERATED ALWAYS AS (width * height) STORED,
  parent INT,
  label VARCHAR(30) DEFAULT concat('a', 'b') COMMENT 'what is on it',
  kind ENUM('small', 'large') NOT NULL DEFAULT 'small',
  UNIQUE KEY size (width, height),
  KEY by_label (label),
  CONSTRAINT boxes_height CHECK (height IN (1, 2, 3)),
  CONSTRAINT boxes_parent FOREIGN KEY (parent) REFERENCES boxes(id) ON DELETE SET NULL ON UPDATE CASCADE
) COMMENT = 'things that hold things';
INSERT INTO boxes(id, width, height) VALUES (1, 2, 3);
CREATE FUNCTION order_total(uid INT) RETURNS DECIMAL(12,2) READS SQL DATA RETURN (SELECT sum(total) FROM orders WHERE user_id = uid);
CREATE FUNCTION double_it(n INT) RETURNS INT DETERMINISTIC NO SQL SQL SECURITY INVOKER RETURN n * 2;
CREATE FUNCTION count_slowly(n INT) RETURNS INT READS SQL DATA BEGIN DECLARE i INT DEFAULT 0; DECLARE s INT DEFAULT 0; WHILE i < n DO SET i = i + 1; SELECT count(*) + s INTO s FROM people; END WHILE; RETURN s; END;
CREATE FUNCTION purge_users() RETURNS INT BEGIN DELETE FROM orders; DELETE FROM users; RETURN 1; END;
CREATE FUNCTION liar() RETURNS INT DETERMINISTIC NO SQL BEGIN INSERT INTO audit VALUES ('liar'); RETURN 1; END;
CREATE FUNCTION sd_purge() RETURNS INT READS SQL DATA SQL SECURITY DEFINER BEGIN DELETE FROM orders; RETURN 1; END;
CREATE FUNCTION naps() RETURNS INT READS SQL DATA RETURN sleep(30);
CREATE FUNCTION peeks() RETURNS LONGTEXT READS SQL DATA RETURN load_file('/etc/passwd');
CREATE FUNCTION writes_file() RETURNS INT READS SQL DATA BEGIN DECLARE n INT; SELECT 1 INTO OUTFILE 'wt_outfile_function'; RETURN 1; END;
CREATE FUNCTION handles() RETURNS INT READS SQL DATA BEGIN DECLARE EXIT HANDLER FOR SQLSTATE '45000' STOP SLAVE; SIGNAL SQLSTATE '45000'; RETURN 1; END;
CREATE FUNCTION sets_for_one() RETURNS INT READS SQL DATA BEGIN SET STATEMENT max_statement_time = 1 FOR SET @x = 1; RETURN 1; END;
CREATE FUNCTION sets_role() RETURNS INT READS SQL DATA BEGIN SET ROLE NONE; RETURN 1; END;
CREATE TABLE numbered(id INT, n BIGINT DEFAULT (NEXT VALUE FOR order_seq));
INSERT INTO numbered VALUES (1, 5);
CREATE VIEW v_numbered AS SELECT DEFAULT(n) AS n FROM numbered;
CREATE FUNCTION sets_global() RETURNS INT READS SQL DATA BEGIN SET GLOBAL max_error_count = 63; RETURN 1; END;
CREATE FUNCTION calls_purge() RETURNS INT READS SQL DATA RETURN purge_users();
CREATE FUNCTION locks() RETURNS INT READS SQL DATA RETURN get_lock('wt_function', 0);
CREATE PROCEDURE wipe_users() BEGIN DELETE FROM orders; DELETE FROM users; COMMIT; END;
CREATE PROCEDURE commits_first() BEGIN COMMIT; DELETE FROM orders; COMMIT; END;
CREATE FUNCTION calls_wipe() RETURNS INT READS SQL DATA BEGIN CALL wipe_users(); RETURN 1; END;
CREATE VIEW user_totals AS SELECT u.id, u.name, sum(o.total) AS total FROM users u LEFT JOIN orders o ON o.user_id = u.id GROUP BY u.id, u.name;
CREATE VIEW nested_totals AS SELECT id, order_total(id) AS total FROM user_totals WHERE id IN (SELECT id FROM users);
CREATE VIEW v_purge AS SELECT purge_users();
CREATE VIEW v_liar AS SELECT liar() AS x;
CREATE VIEW v_nested_purge AS SELECT * FROM v_purge;
CREATE VIEW v_sleep AS SELECT sleep(30);
CREATE VIEW v_file AS SELECT load_file('/etc/passwd');
CREATE VIEW v_seq AS SELECT nextval(order_seq);
CREATE VIEW v_accounts AS SELECT * FROM mysql.global_priv;
CREATE VIEW v_lock AS SELECT get_lock('wt_view', 0);
