CREATE EXTENSION pgcrypto;
CREATE TABLE grain (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE, kg numeric(8, 2));
INSERT INTO grain (name, kg) VALUES ('rye', 3), ('wheat', 12.5);
