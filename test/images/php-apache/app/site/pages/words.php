<?php
header('content-type: text/plain; charset=utf-8');
$format = new IntlDateFormatter('pl_PL', IntlDateFormatter::FULL, IntlDateFormatter::SHORT, $_GET['zone'] ?? 'UTC');
echo $format->format(1700000000), "\n", (new NumberFormatter('hi_IN', NumberFormatter::DECIMAL))->format(1234567.5), "\n";
echo transliterator_transliterate('Any-Latin; Latin-ASCII', 'гусь'), "\n";
