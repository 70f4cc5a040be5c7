vcl 4.1;

import std;

include "vcl/pages.vcl";

backend default { .host = "127.0.0.1"; .port = "8888"; }
# what is asked for inside is this server itself
backend self { .host = "127.0.0.1"; .port = "80"; }

acl purgers { "127.0.0.1"; "172.16.0.0"/12; "10.0.0.0"/8; "192.168.0.0"/16; }

sub vcl_recv {
	if (req.method == "PURGE") {
		if (client.ip !~ purgers) { return (synth(405)); }
		return (purge);
	}
	if (req.url == "/") { return (synth(200, "Granary")); }
	if (req.url ~ "^/cached/" && !req.http.x-inner) { set req.backend_hint = self; set req.http.x-inner = "1"; return (hash); }
	if (req.url ~ "^/cached/") { return (synth(200, "Counted " + now)); }
	if (req.url == "/file") { return (synth(200, std.fileread("/etc/varnish/vcl/notice.txt"))); }
	if (req.url == "/private" && req.http.authorization != "Basic YWRhOnN0cmF3") { return (synth(401)); }
	if (req.url == "/private") { return (synth(200, "ledger")); }
}

sub vcl_backend_response {
	set beresp.ttl = 60s;
	set beresp.do_gzip = true;
}

sub vcl_deliver { set resp.http.x-hits = obj.hits; }
