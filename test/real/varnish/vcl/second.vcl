vcl 4.1;

import std;
import directors;
import blob;
import cookie;
import header;
import var;
import bodyaccess;

backend shut { .host = "127.0.0.1"; .port = "8888"; }

sub vcl_init { new pool = directors.round_robin(); pool.add_backend(shut); }

sub vcl_recv {
	cookie.parse(req.http.cookie);
	var.set("name", cookie.get("name"));
	return (synth(200, std.toupper(var.get("name")) + blob.transcode(BASE64, HEX, encoded="cnll")));
}
