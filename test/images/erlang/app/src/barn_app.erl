-module(barn_app).
-behaviour(application).
-export([start/2, stop/1]).

start(_Type, _Args) ->
    {ok, Port} = application:get_env(barn, port),
    {ok, Supervisor} = barn_sup:start_link(),
    {ok, _} = inets:start(httpd, [
        {port, Port}, {bind_address, any}, {server_name, "barn"}, {server_root, "/tmp"},
        {document_root, barn_web:priv("www")}, {directory_index, ["index.html"]},
        {modules, [mod_alias, barn_web, mod_dir, mod_get, mod_head]},
        {mime_types, [{"html", "text/html"}, {"css", "text/css"}, {"json", "application/json"}]}
    ]),
    io:format("barn is open~n"),
    {ok, Supervisor}.

stop(_State) ->
    ok.
