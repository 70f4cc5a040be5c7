local socket = require "socket"

local routes = {
  ["/"] = function() return 200, "text/plain", "a press\n" end,
  ["/json"] = function() return 200, "application/json", require("cjson").encode({ 1, 2, 3 }) end,
  ["/count"] = function() return 200, "text/plain", require("lib.words").count("one grape, two grapes") .. "\n" end,
  ["/escape"] = function() return 200, "text/plain", require("socket.url").escape("a b/c") .. "\n" end,
  ["/pages"] = function() return 200, "text/plain", require("lib.pages").list("pages") end,
  ["/base64"] = function()
    local ok, mime = pcall(require, "mime")
    return ok and 200 or 500, "text/plain", ok and mime.b64("press") .. "\n" or "no mime\n"
  end,
}

local function answer(client)
  client:settimeout(5)
  local line = client:receive("*l")
  local path = line and line:match("^GET (%S+)")
  if not path then return end
  repeat local header = client:receive("*l") until not header or header == ""
  local route = routes[path]
  local ok, status, kind, body = pcall(route or function() return 404, "text/plain", require("lib.missing") end)
  if not ok then status, kind, body = 500, "text/plain", "broken\n" end
  client:send(("HTTP/1.0 %d X\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s"):format(status, kind, #body, body))
end

local server = assert(socket.bind("*", 8080))
while true do
  local client = server:accept()
  if client then
    answer(client)
    client:close()
  end
end
