<?php
namespace Mill;

final class Settings
{
    public static function colour(): string
    {
        return parse_ini_file(__DIR__ . "/../../settings.ini")["colour"];
    }
}
