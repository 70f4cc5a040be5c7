<?php
// asks the TLS host of this very server, and verifies it against the system's certificate store
$options = ['ssl' => ['peer_name' => $_GET['name'] ?? 'sample.test'], 'http' => ['header' => 'Host: sample.test']];
$answer = @file_get_contents('https://127.0.0.1:8443/leaf.txt', false, stream_context_create($options));
header('content-type: text/plain');
echo $answer === false ? 'refused' : $answer;
