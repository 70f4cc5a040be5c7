use strict;
use warnings;
open my $page, "<", "/srv/http/errors/missing.html" or die $!;
print "Status: 404\r\nContent-Type: text/html\r\n\r\n", <$page>;
