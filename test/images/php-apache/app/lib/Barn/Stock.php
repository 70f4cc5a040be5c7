<?php
namespace Barn;

/** Animals in SQLite, in a file that the first request makes. */
final class Stock
{
    private \PDO $database;

    public function __construct()
    {
        $this->database = new \PDO('sqlite:/var/lib/barn/stock.sqlite');
        $this->database->exec(file_get_contents(__DIR__ . '/stock.sql'));
    }

    public function names(): array
    {
        return $this->database->query('select name from animal order by name')->fetchAll(\PDO::FETCH_COLUMN);
    }

    public function add(string $name): void
    {
        $this->database->prepare('insert or ignore into animal values (?)')->execute([$name]);
    }
}
