create table if not exists animal (name text primary key); insert or ignore into animal values ('Goose'), ('Cow');
