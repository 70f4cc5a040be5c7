<!doctype html><h1>Mill on fire</h1><p><?= htmlspecialchars($detail) ?></p>
