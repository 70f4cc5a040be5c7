use strict;
use warnings;
use CGI ();

my $query = CGI->new;
my $kind  = $query->param("kind") // "plain";
if ($kind eq "json") {
    require JSON::PP;
    print $query->header("application/json"),
      JSON::PP->new->canonical->encode({ grams => 0 + $query->param("grams"), unit => "g" });
} elsif ($kind eq "words") {
    binmode STDOUT, ":encoding(UTF-8)";
    require Unicode::Normalize;
    require charnames;
    print $query->header(-type => "text/plain", -charset => "utf-8"),
      join " ", map { charnames::viacode(ord) } split //, Unicode::Normalize::NFD("\x{e9}");
} elsif ($kind eq "zone") {
    require POSIX;
    $ENV{TZ} = $query->param("zone");
    POSIX::tzset();
    print $query->header("text/plain"), POSIX::strftime("%H:%M %Z", localtime 1_700_000_000);
} elsif ($kind eq "digest") {
    require Digest::SHA;
    require MIME::Base64;
    print $query->header("text/plain"), MIME::Base64::encode_base64(Digest::SHA::sha256($query->param("text")));
} elsif ($kind eq "crash") {
    die "asked for";
} else {
    print $query->header("text/html"), "<p>", $query->escapeHTML($kind), "</p>";
}
