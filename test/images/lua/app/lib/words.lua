local lpeg = require "lpeg"

local word = lpeg.R("az") ^ 1
local words = lpeg.Ct(((1 - lpeg.R("az")) ^ 0 * lpeg.C(word)) ^ 0)

return { count = function(text) return #words:match(text) end }
