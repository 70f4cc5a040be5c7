<?php
namespace Mill;

final class Stone
{
    public function grind(string $grain): string
    {
        return implode("-", str_split($grain)) . " " . Settings::colour();
    }
}
