-- Gives up an artifact that was put in part.
local digest, chunks = text(), number()
if call('ZREM', P .. 'uploads', digest .. ':' .. chunks) == 1 and call('EXISTS', P .. 'artifact:' .. digest) == 0 then
  for i = 0, chunks - 1 do call('DEL', P .. 'chunk:' .. digest .. ':' .. i) end
end
return {0}
