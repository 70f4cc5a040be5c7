%% Asks a TLS server of its own, and verifies it against the system's certificate store.
-module(barn_tls).
-export([self_request/0]).

self_request() ->
    {ok, _} = application:ensure_all_started(ssl),
    {ok, Listener} = ssl:listen(0, [
        {ip, {127, 0, 0, 1}}, {certfile, barn_web:priv("tls/cert.pem")}, {keyfile, barn_web:priv("tls/key.pem")}, {log_level, none}
    ]),
    {ok, {_, Port}} = ssl:sockname(Listener),
    spawn(fun() -> serve(Listener) end),
    Answers = [get(Port, Name) || Name <- ["sample.test", "other.test"]],
    ssl:close(Listener),
    lists:join(" and ", Answers).

serve(Listener) ->
    {ok, Socket} = ssl:transport_accept(Listener),
    case ssl:handshake(Socket) of
        {ok, Secure} -> ssl:send(Secure, "over tls"), ssl:close(Secure);
        {error, _} -> ok
    end,
    serve(Listener).

get(Port, Name) ->
    Options = [{verify, verify_peer}, {cacerts, public_key:cacerts_get()}, {server_name_indication, Name},
               {active, false}, {log_level, none}],
    case ssl:connect({127, 0, 0, 1}, Port, Options, 5000) of
        {ok, Socket} ->
            {ok, Text} = ssl:recv(Socket, 8, 5000),
            Text;
        {error, {tls_alert, {Alert, _}}} ->
            atom_to_list(Alert)
    end.
