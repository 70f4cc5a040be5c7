<?php
$file = tempnam(sys_get_temp_dir(), 'barn');
$archive = new ZipArchive();
$archive->open($file, ZipArchive::OVERWRITE);
$archive->addFile('/usr/local/lib/barn/notes/goose.txt', 'goose.txt');
$archive->close();
header('content-type: application/zip');
readfile($file);
unlink($file);
