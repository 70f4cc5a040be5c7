<?php
$image = imagecreatetruecolor(20, 20);
imagefilledrectangle($image, 0, 0, 19, 19, imagecolorallocate($image, 240, 220, 130));
imagestring($image, 2, 2, 2, 'B', imagecolorallocate($image, 0, 0, 0));
$form = ($_GET['form'] ?? 'png') === 'webp' ? 'webp' : 'png';
header("content-type: image/$form");
$form === 'webp' ? imagewebp($image) : imagepng($image);
