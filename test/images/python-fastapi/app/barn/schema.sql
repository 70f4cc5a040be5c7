create table animal (id integer primary key, name text not null, kilograms real not null);
create virtual table animal_text using fts5 (name);
create trigger animal_added after insert on animal begin
  insert into animal_text (rowid, name) values (new.id, new.name);
end;
insert into animal (name, kilograms) values ('Grey goose', 4.5), ('Brown cow', 610);
