<?php
namespace Mill;

final class Memory
{
    public function count(): string
    {
        session_id("grain");
        session_start();
        return (string) ($_SESSION["count"] = ($_SESSION["count"] ?? 0) + 1);
    }
}
