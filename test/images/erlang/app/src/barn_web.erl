%% Answers what is not a file. Most handlers load a module of OTP that nothing has loaded before.
-module(barn_web).
-export([do/1, priv/1]).
-include_lib("inets/include/httpd.hrl").

priv(Name) ->
    filename:join([filename:dirname(filename:dirname(code:which(?MODULE))), "priv", Name]).

do(#mod{method = Method, request_uri = Uri, entity_body = Body} = Request) ->
    #{path := Path} = Parts = uri_string:parse(Uri),
    Query = uri_string:dissect_query(maps:get(query, Parts, "")),
    try answer(Method, string:lexemes(Path, "/"), Query, Body) of
        file -> {proceed, Request#mod.data};
        {Status, Type, Text} -> reply(Status, Type, Text)
    catch
        Class:Reason:Stack ->
            Shown = erl_error:format_exception(Class, Reason, Stack),
            reply(500, "text/html", ["<h1>The barn burns</h1><pre>", Shown, "</pre>"])
    end.

reply(Status, Type, Text) ->
    Body = unicode:characters_to_binary(Text),
    Head = [{code, Status}, {content_type, Type}, {content_length, integer_to_list(byte_size(Body))}],
    {proceed, [{response, {response, Head, [Body]}}]}.

answer("GET", ["animals"], _, _) ->
    {200, "text/plain", [io_lib:format("~s ~p~n", [Name, Weight]) || {Name, Weight} <- barn_store:all()]};
answer("POST", ["animals"], _, Body) ->
    Fields = uri_string:dissect_query(Body),
    {"name", Name} = lists:keyfind("name", 1, Fields),
    {"weight", Weight} = lists:keyfind("weight", 1, Fields),
    true = barn_store:add(Name, list_to_integer(Weight)),
    {201, "text/plain", "stalled"};
answer("GET", ["crash"], _, _) ->
    barn_store:crash(),
    timer:sleep(200),
    {200, "text/plain", io_lib:format("~b left", [length(barn_store:all())])};
answer("GET", ["digest", Text], _, _) ->
    {ok, _} = application:ensure_all_started(crypto),
    {200, "text/plain", base64:encode(crypto:hash(sha256, Text))};
answer("GET", ["feed"], _, _) ->
    {Document, _} = xmerl_scan:file(priv("feed.xml")),
    Titles = xmerl_xpath:string("//title/text()", Document),
    {200, "text/plain", lists:join($,, [element(5, Title) || Title <- Titles])};
answer("GET", ["zip"], _, _) ->
    {ok, {_, Archive}} = zip:create("barn.zip", [{"goose.txt", <<"honk">>}], [memory]),
    {ok, [{Name, Content}]} = zip:unzip(Archive, [memory]),
    {200, "text/plain", [Name, $=, Content]};
answer("GET", ["day"], _, _) ->
    {{Year, Week}, Day} = {calendar:iso_week_number({2024, 12, 30}), calendar:day_of_the_week(2024, 12, 30)},
    {200, "text/plain", io_lib:format("~p ~p ~s", [{Year, Week}, Day, calendar:system_time_to_rfc3339(1700000000, [{offset, "Z"}])])};
answer("GET", ["words"], _, _) ->
    {ok, Text} = file:read_file(priv("words/greek.txt")),
    {match, [Found]} = re:run(Text, "\\p{Lu}\\p{Ll}+", [unicode, {capture, first, list}]),
    {200, "text/plain;charset=utf-8", string:uppercase(Found)};
answer("GET", ["table"], _, _) ->
    ok = mnesia:start(),
    {atomic, ok} = mnesia:create_table(sacks, [{ram_copies, [node()]}, {attributes, [kind, count]}]),
    {atomic, ok} = mnesia:transaction(fun() -> mnesia:write({sacks, rye, 7}) end),
    {atomic, [{sacks, rye, Count}]} = mnesia:transaction(fun() -> mnesia:read(sacks, rye) end),
    stopped = mnesia:stop(),
    {200, "text/plain", integer_to_list(Count)};
answer("GET", ["sound", Name], _, _) ->
    Module = short_atom("barn_" ++ Name),
    case code:ensure_loaded(Module) of
        {module, _} -> {200, "text/plain", Module:sound()};
        {error, _} -> lost(["sound", Name])
    end;
answer("GET", ["shell"], _, _) ->
    {200, "text/plain", os:cmd("uname -s")};
answer("GET", ["tls"], _, _) ->
    {200, "text/plain", barn_tls:self_request()};
answer("GET", ["eval"], Query, _) ->
    {ok, Tokens, _} = erl_scan:string(proplists:get_value("code", Query)),
    {ok, Expressions} = erl_parse:parse_exprs(Tokens),
    {value, Value, _} = erl_eval:exprs(Expressions, []),
    {200, "text/plain", io_lib:format("~p", [Value])};
answer("GET", ["boom"], _, _) ->
    error(asked_for);
answer(_, Path, _, _) ->
    case filelib:is_file(filename:join([priv("www") | Path])) of
        true -> file;
        false -> lost(Path)
    end.

lost(Path) ->
    {ok, Page} = file:read_file(priv("missing.html")),
    {404, "text/html", string:replace(Page, "PATH", lists:join($/, Path), all)}.

short_atom(Name) when length(Name) < 20 ->
    list_to_atom(Name).
