-- Removes artifacts that no job refers to and that were last put before a time.
local before, most, removed = text(), number(), 0
for _, digest in ipairs(call('ZRANGEBYSCORE', P .. 'loose', '-inf', '(' .. before, 'LIMIT', 0, most)) do
  local key = P .. 'artifact:' .. digest
  for i = 0, tonumber(call('HGET', key, 'chunks')) - 1 do call('DEL', P .. 'chunk:' .. digest .. ':' .. i) end
  call('DEL', key)
  call('ZREM', P .. 'loose', digest)
  removed = removed + 1
end
for _, upload in ipairs(call('ZRANGEBYSCORE', P .. 'uploads', '-inf', '(' .. before, 'LIMIT', 0, most)) do
  local digest, chunks = upload:match('^(%x+):(%d+)$')
  call('ZREM', P .. 'uploads', upload)
  if call('EXISTS', P .. 'artifact:' .. digest) == 0 then
    for i = 0, tonumber(chunks) - 1 do call('DEL', P .. 'chunk:' .. digest .. ':' .. i) end
  end
end
return done({0, removed})
