create table books (id integer primary key, title text, author text, year integer, cover blob);
insert into books values
  (1, 'The Mill on the Floss', 'George Eliot', 1860, x'00ff10'), (2, 'Far from the Madding Crowd', 'Thomas Hardy', 1874, null),
  (3, 'Adam Bede', 'George Eliot', 1859, null), (4, 'Die Wahlverwandtschaften', 'Johann Wolfgang von Goethe', 1809, null);
create table loans (id integer primary key, book integer references books(id), reader text);
insert into loans (book, reader) values (1, 'Ada'), (3, 'Grace');
create virtual table books_fts using fts5(title, author, content="books", content_rowid="id");
insert into books_fts (books_fts) values ('rebuild');
create view old as select * from books where year < 1850;
