use strict;
use warnings;
print "Content-Type: text/plain\r\n\r\n", (-r "/srv/http/index.html" ? "weighing\n" : "empty\n");
