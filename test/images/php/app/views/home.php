<!doctype html><h1>Php mill</h1><?php foreach ($grains as $grain): ?><p><?= htmlspecialchars(ucfirst($grain)) ?></p><?php endforeach ?>
