pragma journal_mode = wal;
create table if not exists job (
  id integer primary key, kind text not null, options text not null,
  state text not null default 'new', result text, worker integer
);
