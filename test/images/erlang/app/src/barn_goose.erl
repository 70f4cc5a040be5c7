-module(barn_goose).
-export([sound/0]).

sound() ->
    lists:join(" ", queue:to_list(queue:from_list(["honk", "honk"]))).
