<h1>The roof fell in</h1><pre><?= htmlspecialchars($error->getMessage()) ?></pre>
