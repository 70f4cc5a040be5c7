{application, barn,
 [{description, "A barn behind inets"},
  {vsn, "1.0.0"},
  {modules, [barn_app, barn_sup, barn_store, barn_web, barn_tls, barn_goose, barn_cow]},
  {registered, [barn_sup, barn_store]},
  {applications, [kernel, stdlib, inets]},
  {env, [{port, 8080}]},
  {mod, {barn_app, []}}]}.
