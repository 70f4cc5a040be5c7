<?php
// Answers one TLS connection on a port of its own choice, which it prints first.
$context = stream_context_create(['ssl' => ['local_cert' => '/etc/sample/tls/cert.pem', 'local_pk' => '/etc/sample/tls/key.pem']]);
$server = stream_socket_server('tls://127.0.0.1:0', $code, $message, STREAM_SERVER_BIND | STREAM_SERVER_LISTEN, $context);
echo parse_url('tcp://' . stream_socket_get_name($server, false), PHP_URL_PORT), "\n";
$connection = @stream_socket_accept($server, 5);
if ($connection) {
    fwrite($connection, 'over tls');
}
