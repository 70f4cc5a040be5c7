<h1>No stall here</h1><p><?= htmlspecialchars($_SERVER["REDIRECT_URL"] ?? "") ?></p>
