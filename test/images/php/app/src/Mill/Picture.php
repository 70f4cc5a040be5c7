<?php
namespace Mill;

final class Picture
{
    public function send(): void
    {
        header("Content-Type: image/png");
        imagepng(imagecreatetruecolor(8, 8));
    }
}
