<?php
session_start();
if (($_POST['password'] ?? '') !== '' && password_verify($_POST['password'], trim(file_get_contents('/usr/local/lib/barn/password.txt')))) {
    session_regenerate_id(true);
    $_SESSION['user'] = $_POST['user'];
}
if (!isset($_SESSION['user'])) {
    http_response_code(401);
}
echo $_SESSION['user'] ?? 'nobody';
