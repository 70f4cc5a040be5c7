<?php
$conf['title'] = 'Granary';
$conf['license'] = 'cc-zero';
$conf['useacl'] = 1;
$conf['superuser'] = '@admin';
$conf['disableactions'] = 'register';
$conf['savedir'] = '/var/lib/dokuwiki/data';
