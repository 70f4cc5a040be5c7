<h1>No such page</h1>
