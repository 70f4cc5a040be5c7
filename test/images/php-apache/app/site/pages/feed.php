<?php
$document = new DOMDocument();
$document->load('/usr/local/lib/barn/feed.xml');
header('content-type: application/json');
echo json_encode(array_map(fn ($node) => $node->nodeValue, iterator_to_array((new DOMXPath($document))->query('//title'))));
