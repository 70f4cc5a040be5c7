-module(barn_store).
-behaviour(gen_server).
-export([start_link/0, add/2, all/0, crash/0, init/1, handle_call/3, handle_cast/2]).
-include("animal.hrl").

start_link() ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, [], []).

add(Name, Weight) -> gen_server:call(?MODULE, {add, #animal{name = Name, weight = Weight}}).
all() -> gen_server:call(?MODULE, all).
crash() -> gen_server:cast(?MODULE, crash).

init([]) ->
    Table = ets:new(animals, [ordered_set, {keypos, #animal.name}]),
    {ok, Seed} = file:consult(barn_web:priv("seed.terms")),
    [ets:insert(Table, #animal{name = Name, weight = Weight}) || {Name, Weight} <- Seed],
    {ok, Table}.

handle_call({add, Animal}, _From, Table) ->
    {reply, ets:insert(Table, Animal), Table};
handle_call(all, _From, Table) ->
    {reply, [{Name, Weight} || #animal{name = Name, weight = Weight} <- ets:tab2list(Table)], Table}.

handle_cast(crash, _Table) ->
    error(asked_for).
