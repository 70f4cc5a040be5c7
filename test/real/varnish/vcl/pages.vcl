sub vcl_synth {
	set resp.http.content-type = "text/html; charset=utf-8";
	if (resp.status == 401) { set resp.http.www-authenticate = "Basic realm=granary"; }
	synthetic("<h1>" + resp.reason + "</h1>");
	return (deliver);
}

sub vcl_backend_error {
	set beresp.http.content-type = "text/html; charset=utf-8";
	synthetic(regsub(std.fileread("/etc/varnish/vcl/error.html"), "STATUS", "" + beresp.status));
	return (deliver);
}
