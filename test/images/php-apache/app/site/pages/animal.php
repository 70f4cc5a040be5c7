<?php
if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    http_response_code(201);
    (new Barn\Stock)->add($_GET['name']);
}
header('content-type: application/json');
echo json_encode(['name' => $_GET['name'], 'upper' => mb_strtoupper($_POST['cry'] ?? 'ähm')]);
