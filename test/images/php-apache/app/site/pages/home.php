<!doctype html><link rel="stylesheet" href="/barn.css"><h1>Barn</h1><?php foreach ((new Barn\Stock)->names() as $name): ?><p><?= htmlspecialchars($name) ?></p><?php endforeach ?>
