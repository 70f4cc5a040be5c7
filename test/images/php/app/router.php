<?php
// The built-in server asks this script for everything; a file under public/ is served as it is.
declare(strict_types=1);

$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if ($path !== '/' && is_file(__DIR__ . '/public' . $path)) {
    return false;
}

spl_autoload_register(static function (string $class): void {
    $file = __DIR__ . '/src/' . str_replace('\\', '/', $class) . '.php';
    if (is_file($file)) {
        require $file;
    }
});

function view(string $name, array $values = [], int $status = 200): void
{
    http_response_code($status);
    extract($values);
    require __DIR__ . "/views/$name.php";
}

function text(string $text): void
{
    header('Content-Type: text/plain; charset=utf-8');
    echo $text;
}

set_exception_handler(static fn (Throwable $error) => view('broken', ['detail' => $error->getMessage()], 500));

match (true) {
    $path === '/' => view('home', ['grains' => ['rye', 'wheat']]),
    $path === '/health' => text('ok'),
    $path === '/echo' => text(json_encode(['received' => json_decode(file_get_contents('php://input'), true)])),
    $path === '/time' => text((new DateTimeImmutable('@1700000000'))->setTimezone(new DateTimeZone($_GET['zone']))->format('c')),
    $path === '/upper' => text(mb_strtoupper('größe')),
    $path === '/encode' => text(bin2hex(mb_convert_encoding('語', $_GET['as'], 'UTF-8'))),
    $path === '/money' => text(numfmt_format(new NumberFormatter($_GET['locale'], NumberFormatter::SPELLOUT), 42)),
    $path === '/database' => text((string) (new PDO('sqlite::memory:'))->query('select 6 * 7')->fetchColumn()),
    $path === '/xml' => text((string) simplexml_load_string('<a><grain name="oats"/></a>')->grain['name']),
    $path === '/picture' => (new Mill\Picture())->send(),
    $path === '/grind' => text((new Mill\Stone())->grind('grain')),
    $path === '/session' => text((new Mill\Memory())->count()),
    $path === '/shell' => text(shell_exec('echo grain | rev') ?? ''),
    $path === '/tls' => text((new Mill\SelfRequest())->ask()),
    $path === '/boom' => throw new RuntimeException('asked for'),
    default => view('missing', ['path' => $path], 404),
};
