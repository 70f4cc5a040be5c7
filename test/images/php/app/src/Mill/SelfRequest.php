<?php
namespace Mill;

/** Asks a TLS server in a child process and verifies it against the system's certificate store. */
final class SelfRequest
{
    public function ask(): string
    {
        $server = proc_open([PHP_BINARY, __DIR__ . '/../../tls-server.php'], [1 => ['pipe', 'w']], $pipes);
        $port = trim(fgets($pipes[1]));
        $context = stream_context_create(['ssl' => ['peer_name' => 'sample.test']]);
        $stream = stream_socket_client("tls://127.0.0.1:$port", $code, $message, 5, STREAM_CLIENT_CONNECT, $context);
        $answer = $stream ? stream_get_contents($stream) : "refused: $message";
        proc_close($server);
        return $answer;
    }
}
