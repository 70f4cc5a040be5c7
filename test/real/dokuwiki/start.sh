#!/bin/sh
set -e
mkdir -p /run/php
php-fpm8.2 --daemonize
exec lighttpd -D -f /etc/lighttpd/lighttpd.conf
