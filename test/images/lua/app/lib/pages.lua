local function list(directory)
  local lfs = require "lfs"
  local names = {}
  for name in lfs.dir(directory) do
    if name:match("%.txt$") then names[#names + 1] = name end
  end
  table.sort(names)
  return table.concat(names, "\n") .. "\n"
end

return { list = list }
