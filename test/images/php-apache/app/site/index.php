<?php
declare(strict_types=1);

spl_autoload_register(static function (string $class): void {
    $file = '/usr/local/lib/barn/' . strtr($class, '\\', '/') . '.php';
    if (is_file($file)) {
        require $file;
    }
});

$page = $_GET['page'] ?? 'home';
if (!preg_match('/^[a-z]+$/', $page) || !is_file(__DIR__ . "/pages/$page.php")) {
    http_response_code(404);
    $page = 'lost';
}
set_exception_handler(static function (Throwable $error): void {
    http_response_code(500);
    require __DIR__ . '/errors/broken.php';
});
ob_start();
require __DIR__ . "/pages/$page.php";
if (!headers_sent() && ob_get_length() > 0) {
    ob_end_flush();
}
