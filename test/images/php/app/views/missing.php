<!doctype html><h1>Nothing ground here</h1><p><?= htmlspecialchars($path) ?></p>
