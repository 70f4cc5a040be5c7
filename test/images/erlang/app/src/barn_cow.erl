-module(barn_cow).
-export([sound/0]).

sound() ->
    {ok, [Sound]} = file:consult(barn_web:priv("cow.terms")),
    gb_sets:smallest(gb_sets:from_list([Sound])).
